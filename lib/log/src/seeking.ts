import type { Redis } from 'ioredis'
import { compareIds, idBefore, ORIGIN } from './cursor.ts'
import { life, partitionKeys } from './names.ts'
import { type Group, LogError, type Seek, type Start, type Topic } from './port.ts'
import { startPlaces } from './reading.ts'
import { runScript } from './scripts.ts'

/** Moves a group; see `seek` of the port. */
export async function seek(redis: Redis, { topic, group: { group } }: { topic: Topic; group: Group }, to: Seek) {
  const moves = await movesOf(redis, topic, to)
  const jobs = moves.map(({ partition, after }) => {
    const keys = partitionKeys(topic, partition)
    return runScript(redis, 'seek', [keys.stream, keys.meta, ...keys.books(group)], [group, after, life()])
  })
  await Promise.all(jobs)
}

async function movesOf(redis: Redis, topic: Topic, to: Seek): Promise<{ partition: number; after: string }[]> {
  if (!('partition' in to)) {
    const places = await wholePlaces(redis, topic, to)
    return places.map(({ streamId }, partition) => ({ partition, after: streamId }))
  }
  const { partition, streamId } = to
  if (!(partition < topic.partitions)) throw new LogError('bad_cursor', 'The topic has no such partition.')
  return [{ partition, after: idBefore(streamId) }]
}

/** The places of a start, when a reader can go on from each of them without a gap. */
export async function wholePlaces(redis: Redis, topic: Topic, start: Start) {
  const places = await startPlaces(redis, topic, start)
  if (!('cursor' in start)) return places
  const states = await Promise.all(
    places.map((_, partition) => redis.hmget(partitionKeys(topic, partition).meta, 'epoch', 'trimmed')),
  )
  for (const [partition, { epoch, streamId }] of places.entries()) {
    const [epochNow, trimmed] = states[partition] ?? []
    if (streamId !== ORIGIN && epochNow && epochNow !== epoch)
      throw new LogError('epoch_changed', 'The topic lost data or was made anew since this cursor was given out.')
    if (compareIds(streamId, trimmed ?? ORIGIN) < 0)
      throw new LogError('cursor_expired', 'Retention has removed what lay at this cursor.')
  }
  return places
}
