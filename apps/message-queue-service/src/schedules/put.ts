import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { isPlatformTopic } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import { type Schedule, type ScheduleView, scheduleOf, type Template, viewOf } from './schedule.ts'
import { type Missed, nextAfter, type Timing } from './times.ts'

export interface ScheduleWish {
  topic: string
  event: Template
  at?: string
  everyMs?: number
  cron?: string
  timezone?: string
  missed?: Missed
}

/** Schedules of a tenant. */
const SCHEDULES_MAX = 1_000

/**
 * Makes the schedule, or sets it anew; one whose time stays as it was goes on where it stands. Faults: invalid_schedule,
 * topic_not_found, forbidden, conflict, audit_unavailable.
 */
export async function putSchedule(
  ports: QueuePorts,
  who: Who,
  { name, wish, isInternal }: { name: string; wish: ScheduleWish; isInternal: boolean },
): Promise<{ isNew: boolean; view: ScheduleView }> {
  const { log, schedules } = ports
  const { tenant } = who
  const { topic, event, missed = 'one' } = wish
  if (isPlatformTopic(topic) && !isInternal)
    throw new Fault('forbidden', { detail: 'Only the platform writes to this topic.' })
  if (!(await log.topic({ tenant, topic }))) throw new Fault('topic_not_found')
  const item = await schedules.get(tenant, name)
  const before = item && scheduleOf(item)
  if (!before && (await schedules.list(tenant, { limit: SCHEDULES_MAX })).length >= SCHEDULES_MAX)
    throw new Fault('conflict', { detail: `A tenant may have ${SCHEDULES_MAX} schedules.` })
  const nowMs = await schedules.now()
  const timing = timingOf(wish, nowMs)
  const made: Schedule = {
    ...(before ?? { isPaused: false, createdMs: nowMs, fired: 0, skipped: 0, failed: 0 }),
    ...{ topic, event, missed },
    ...(before && isSame(before.timing, timing)
      ? { timing: before.timing, nextMs: before.nextMs }
      : { timing, nextMs: firstOf(timing, nowMs) }),
  }
  const act = {
    action: before ? 'mq.schedule.changed' : 'mq.schedule.created',
    target: { type: 'schedule', id: name },
    data: { ...wish },
  }
  await recorded(ports, who, {
    act,
    work: () => write(ports, { tenant, name, schedule: made, version: item?.version }),
  })
  const type = before ? 'mq.schedule.changed' : 'mq.schedule.created'
  await tell(ports, who, { type, subject: topic, data: { schedule: name, topic } })
  return { isNew: !before, view: viewOf(name, made) }
}

/** Writes the schedule over the version that was read. */
export async function write(
  { schedules }: Pick<QueuePorts, 'schedules'>,
  {
    tenant,
    name,
    schedule,
    version = 0,
  }: { tenant: string; name: string; schedule: Schedule; version?: number | undefined },
): Promise<void> {
  const dueMs = schedule.isPaused ? null : schedule.nextMs
  const wish = { tenant, id: name, body: JSON.stringify(schedule), dueMs }
  if (!(await schedules.put(wish, { version })))
    throw new Fault('conflict', { detail: 'The schedule was changed at the same time.' })
}

function timingOf({ at, everyMs, cron, timezone }: ScheduleWish, nowMs: number): Timing {
  const given = [at, everyMs, cron].filter((one) => one !== undefined)
  if (given.length !== 1) throw new Fault('invalid_schedule', { detail: 'Name one of at, everyMs and cron.' })
  if (timezone !== undefined && cron === undefined)
    throw new Fault('invalid_schedule', { detail: 'timezone stands beside cron only.' })
  if (at !== undefined) return { at: new Date(at).toISOString() }
  if (everyMs !== undefined) return { everyMs, startMs: nowMs }
  return { cron: cron as string, timezone: timezone ?? 'UTC' }
}

function firstOf(timing: Timing, nowMs: number): number {
  const nextMs = nextAfter(timing, nowMs)
  if (nextMs === null) throw new Fault('invalid_schedule', { detail: 'This time has passed, or never comes.' })
  return nextMs
}

const isSame = (a: Timing, b: Timing) => {
  const said = (timing: Timing) => JSON.stringify({ ...timing, startMs: 0 })
  return said(a) === said(b)
}
