import { createHash } from 'node:crypto'
import { LogError, type NewEvent } from '@santaclaude/log/port'
import type { Item } from '../agenda/port.ts'
import type { QueuePorts } from '../ports.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import { firingsOf } from './times.ts'

/** How long ownership lasts without a renewal: the longest a firing is late when the owner dies. */
const OWN_MS = 2_000

export type FiringPorts = Pick<QueuePorts, 'log' | 'schedules' | 'meters' | 'warn'>

/**
 * Fires what is due. A firing is appended under an idempotency key of the schedule and its due time, and only then is the
 * schedule moved on: whoever is killed in between, and whoever fires it again, adds nothing.
 */
export async function stepSchedules(ports: FiringPorts): Promise<void> {
  const fence = await ports.schedules.own(OWN_MS)
  if (fence === 0) return
  for (const item of await ports.schedules.due(100))
    await fire(ports, item, fence).catch((error) => ports.warn('a schedule could not fire and is tried again', error))
}

async function fire({ log, schedules, meters }: FiringPorts, item: Item, fence: number): Promise<void> {
  const schedule = scheduleOf(item)
  const { topic, timing, missed, nextMs: dueMs } = schedule
  const { tenant, id, version } = item
  if (dueMs === null) return
  const nowMs = await schedules.now()
  const { fire, skipped, nextMs } = firingsOf({ timing, missed }, { dueMs, nowMs })
  const done = { ...schedule, nextMs, skipped: schedule.skipped + skipped }
  delete done.code
  try {
    const events = fire.map((ms) => eventOf(item, schedule, ms))
    const outcomes = events.length === 0 ? [] : await log.append({ tenant, topic }, events)
    const refused = outcomes.find((outcome) => !outcome.ok)
    if (refused && !refused.ok) throw new LogError(refused.code, 'The topic refused the event.')
    for (const ms of fire) meters.firingDelay.observe((nowMs - ms) / 1_000)
    done.fired += fire.length
    done.lastMs = fire.at(-1) ?? done.lastMs ?? nowMs
    meters.firings.inc({ result: 'fired' }, fire.length)
  } catch (error) {
    // The store away, or nobody knows: the same firing again. A topic that is gone or full: this firing is lost, and said so.
    if (!(error instanceof LogError) || /^(store_unavailable|outcome_unknown)$/.test(error.code)) throw error
    done.failed += fire.length
    done.code = error.faultCode
    meters.firings.inc({ result: 'failed' }, fire.length)
  }
  meters.firings.inc({ result: 'skipped' }, skipped)
  await schedules.put({ tenant, id, body: JSON.stringify(done), dueMs: nextMs }, { version, fence })
}

function eventOf({ tenant, id: name }: Item, schedule: Schedule, dueMs: number): NewEvent {
  const { type, data, subject, partitionkey = name } = schedule.event
  const key = `sch:${name}:${schedule.createdMs}:${dueMs}`
  return {
    id: firingId(`${tenant}/${key}`, dueMs),
    source: `/message-queue-service/schedules/${name}`,
    type,
    partitionkey,
    attributes: {
      time: new Date(dueMs).toISOString(),
      ...(subject === undefined ? {} : { subject }),
      ...(data === undefined ? {} : { datacontenttype: 'application/json' }),
      schedule: name,
      tenant,
    },
    ...(data === undefined ? {} : { dataJson: JSON.stringify(data) }),
    idempotency: { key, bodyHash: '' },
  }
}

/** A UUIDv7 that says the due time and is the same for every attempt at one firing. */
function firingId(name: string, dueMs: number): string {
  const hash = createHash('sha256').update(name).digest('hex')
  const time = dueMs.toString(16).padStart(12, '0')
  const variant = '89ab'[Number.parseInt(hash.slice(3, 4), 16) % 4]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`
}
