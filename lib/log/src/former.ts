import type { Redis } from 'ioredis'
import { formerPlaces } from './generations.ts'
import { partitionKeys } from './names.ts'
import type { Appended, Delayed, Due, Durability, NewEvent, Topic } from './port.ts'

/** How far apart the clocks of two machines may be; only costs a look too many. */
const SKEW_MS = 3_600_000

/** What became of an event that was sent before the topic grew, but for how safe it is. */
export type Former = { partition: number; place: string; epoch: string } | 'conflict'

/**
 * Which of the events were appended before, to a partition of an earlier generation: their keys are remembered there,
 * for ever unchanged since it is sealed, so a look before the append is enough. Nothing is asked of Redis for a topic
 * that has not grown within its window.
 */
export async function formerOf(
  redis: Redis,
  topic: Topic,
  events: NewEvent[],
  { isDue }: { isDue: boolean },
): Promise<(Former | undefined)[]> {
  const { generations, grownAtMs = 0, idempotencyWindowMs } = topic
  if (generations.length === 1 || Date.now() - grownAtMs > 2 * idempotencyWindowMs + SKEW_MS)
    return events.map(() => undefined)
  return Promise.all(events.map((event) => formerOne(redis, topic, event, isDue)))
}

async function formerOne(redis: Redis, topic: Topic, event: NewEvent, isDue: boolean): Promise<Former | undefined> {
  const { idempotency, partitionkey } = event
  if (!idempotency) return undefined
  const { key, bodyHash } = idempotency
  for (const partition of formerPlaces(topic, partitionkey ?? key)) {
    const { seen, meta } = partitionKeys(topic, partition)
    const [older, newer] = await Promise.all(seen.map((hash) => redis.hget(hash, key)))
    const known = newer ?? older
    if (!known) continue
    const bar = known.indexOf('|')
    if (known.slice(bar + 1) !== (isDue ? `d:${bodyHash}` : bodyHash)) return 'conflict'
    return { partition, place: known.slice(0, bar), epoch: (await redis.hget(meta, 'epoch')) ?? '' }
  }
  return undefined
}

/** The answer for an event that was sent before. */
export function formerAnswer(former: Former, due: Due | undefined, durability: Durability): Appended | Delayed {
  if (former === 'conflict') return { ok: false, code: 'idempotency_conflict' }
  const { partition, place, epoch } = former
  if (due) return { ok: true, partition, dueAtMs: Number(place), isDuplicate: true, durability }
  return { ok: true, partition, streamId: place, epoch, isDuplicate: true, durability }
}
