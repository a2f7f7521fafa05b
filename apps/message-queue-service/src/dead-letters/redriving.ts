import { LogError } from '@santaclaude/log/port'
import type { Item } from '../agenda/port.ts'
import type { QueuePorts } from '../ports.ts'
import { tell } from '../tell.ts'
import { addressOf, type Job, jobOf } from './job.ts'

/** How long ownership lasts without a renewal. */
const OWN_MS = 2_000
/** A running redrive moves its rate once in this time. */
const STEP_MS = 1_000
const CHUNK = 500

export type RedrivePorts = Pick<QueuePorts, 'log' | 'redrives' | 'emit' | 'warn'>

/**
 * One look at the redrives that are due: each moves at most as many letters as its rate allows for a second. Whoever is
 * killed in the middle has moved each letter entirely or not at all, and the next owner goes on from there.
 */
export async function stepRedrives(ports: RedrivePorts): Promise<void> {
  const fence = await ports.redrives.own(OWN_MS)
  if (fence === 0) return
  for (const item of await ports.redrives.due(16)) await step(ports, item, fence)
}

async function step(ports: RedrivePorts, item: Item, fence: number): Promise<void> {
  const { redrives, warn } = ports
  const { tenant, id, body } = item
  // The next second begins before this one's letters move, so a crash cannot make them move faster.
  const dueMs = (await redrives.now()) + STEP_MS
  const version = await redrives.put({ tenant, id, body, dueMs }, { version: item.version, fence })
  if (version === undefined) return
  try {
    const { job, isDone } = await move(ports, item)
    if (isDone) return await end(ports, { ...item, version }, { job: { ...job, state: 'done' }, fence })
    await redrives.put({ tenant, id, body: JSON.stringify(job), dueMs }, { version, fence })
  } catch (error) {
    const isHopeless = error instanceof LogError && /_not_found$|^invalid_filter$/.test(error.code)
    warn('a redrive stands still', error)
    if (!isHopeless) return
    await end(ports, { ...item, version }, { job: { ...jobOf(item), state: 'failed', code: error.code }, fence })
  }
}

async function move({ log }: RedrivePorts, item: Item): Promise<{ job: Job; isDone: boolean }> {
  const job = jobOf(item)
  const address = addressOf(item, job)
  const { target, which, createdMs } = job
  // What dies again after it was redriven is not redriven again.
  const untilMs = Math.min(which.untilMs ?? Infinity, createdMs + 1)
  for (let left = job.ratePerSecond; left > 0; ) {
    const wish = { ...which, untilMs, order: 'oldest', limit: Math.min(left, CHUNK) } as const
    const { letters, next } = await log.deadLetters(address, { ...wish, ...(job.after ? { after: job.after } : {}) })
    const places = letters.map(({ entry: { partition }, streamId }) => ({ partition, streamId }))
    const topic = target === undefined ? {} : { topic: target }
    if (places.length > 0) await log.redrive(address, { places, tally: item.id, ...topic })
    left -= places.length
    if (!next) return { job, isDone: true }
    job.after = next
  }
  return { job, isDone: false }
}

async function end(ports: RedrivePorts, item: Item, { job, fence }: { job: Job; fence: number }): Promise<void> {
  const { log, redrives } = ports
  const { tenant, id, version } = item
  const { topic, group } = job
  const address = addressOf(item, job)
  const count = await log.redriven(address, id).catch(() => 0)
  const body = JSON.stringify({ ...job, moved: count, endedMs: await redrives.now() })
  if (!(await redrives.put({ tenant, id, body, dueMs: null }, { version, fence }))) return
  await log.dropTally(address, id).catch(() => {})
  const data = { topic, group, count, redrive: id, state: job.state }
  await tell(ports, { tenant }, { type: 'mq.dead-letter.redriven', subject: topic, data })
}
