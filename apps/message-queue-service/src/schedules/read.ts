import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import { write } from './put.ts'
import { type ScheduleView, scheduleOf, viewOf } from './schedule.ts'
import { nextAfter } from './times.ts'

type At = { tenant: string; name: string }

async function find({ schedules }: Pick<QueuePorts, 'schedules'>, { tenant, name }: At) {
  const item = await schedules.get(tenant, name)
  if (!item) throw new Fault('schedule_not_found')
  return { version: item.version, schedule: scheduleOf(item) }
}

/** Faults: schedule_not_found. */
export async function getSchedule(ports: QueuePorts, at: At): Promise<ScheduleView> {
  return viewOf(at.name, (await find(ports, at)).schedule)
}

/** A tenant's schedules by name. */
export async function listSchedules(
  { schedules }: QueuePorts,
  { tenant, limit, after }: { tenant: string; limit: number; after?: string | undefined },
): Promise<{ schedules: ScheduleView[]; next?: string }> {
  const items = await schedules.list(tenant, { limit: limit + 1, ...(after === undefined ? {} : { after }) })
  const page = items.slice(0, limit).map((item) => viewOf(item.id, scheduleOf(item)))
  const last = page.at(-1)
  return items.length > limit && last ? { schedules: page, next: last.name } : { schedules: page }
}

export async function deleteSchedule(ports: QueuePorts, who: Who, name: string): Promise<void> {
  const { tenant } = who
  const { schedule } = await find(ports, { tenant, name })
  const act = { action: 'mq.schedule.deleted', target: { type: 'schedule', id: name } }
  await recorded(ports, who, { act, work: () => ports.schedules.delete(tenant, name) })
  const { topic } = schedule
  await tell(ports, who, { type: 'mq.schedule.deleted', subject: topic, data: { schedule: name, topic } })
}

/** Holds a schedule, or lets it go on with the first due time from now. What came due in between is not made up for. */
export async function pauseSchedule(
  ports: QueuePorts,
  who: Who,
  { name, isPaused }: { name: string; isPaused: boolean },
): Promise<ScheduleView> {
  const { tenant } = who
  const { schedule, version } = await find(ports, { tenant, name })
  if (schedule.isPaused === isPaused) return viewOf(name, schedule)
  const nowMs = await ports.schedules.now()
  const nextMs = isPaused ? schedule.nextMs : nextAfter(schedule.timing, nowMs)
  const made = { ...schedule, isPaused, nextMs }
  const action = isPaused ? 'mq.schedule.paused' : 'mq.schedule.resumed'
  const act = { action, target: { type: 'schedule', id: name } }
  await recorded(ports, who, { act, work: () => write(ports, { tenant, name, schedule: made, version }) })
  return viewOf(name, made)
}
