import type { Redis } from 'ioredis'
import { widthOf } from './generations.ts'
import { partitionKeys } from './names.ts'
import type { Topic } from './port.ts'
import { runScript } from './scripts.ts'
import { shareOf } from './settings.ts'

/** What one step of retention did to a partition. `dropped` counts the removed that were not settled. */
export interface Retained {
  removed: number
  dropped: number
  isMore: boolean
  /** When the earliest delayed event of the partition is due; '' = none waits. */
  dueMs: string
  /** Entries the partition held before. */
  length: number
}

/** One step of retention. With `fence` only its owner may; `room` frees that many entries below the limit. */
export async function retain(
  redis: Redis,
  topic: Topic,
  { partition, fence = '', room = 0 }: { partition: number; fence?: number | ''; room?: number },
): Promise<Retained> {
  const { maxEvents, maxAgeMs, maxBytes, keepUntilSettled, discard } = topic.retention
  const width = widthOf(topic)
  const entries = shareOf(maxEvents, width)
  const keys = partitionKeys(topic, partition)
  const [removed, isMore, dropped, dueMs, length] = await runScript<[number, number, number, string, number]>(
    redis,
    'trim',
    [keys.stream, keys.meta, keys.delayed],
    [
      ...[entries < 0 ? -1 : Math.max(0, entries - room), maxAgeMs ?? -1, shareOf(maxBytes, width)],
      ...[keepUntilSettled ? 1 : 0, discard, fence],
    ],
  )
  return { removed, dropped, isMore: isMore === 1, dueMs, length }
}

/** Removes what is settled from a full partition, for `wanted` entries more. How many went. */
export async function makeRoom(redis: Redis, topic: Topic, partition: number, wanted: number): Promise<number> {
  const { removed } = await retain(redis, topic, { partition, room: wanted })
  return removed
}
