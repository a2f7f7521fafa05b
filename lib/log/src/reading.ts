import type { Redis } from 'ioredis'
import { compareIds, decodeCursor, laterId, ORIGIN, type Place, placeBefore } from './cursor.ts'
import { type RawEntry, unpackEntry } from './event.ts'
import { living } from './expiring.ts'
import { partitionsOf, placesNow } from './generations.ts'
import { checkPlaces, cutOf } from './losing.ts'
import { partitionKeys } from './names.ts'
import type { Gap, LogEntry, PartitionPage, Start, Topic } from './port.ts'

/** The place of a reader who has not been there. */
const START: Place = { epoch: '', streamId: ORIGIN }

/** A page with the places after it, before they become a cursor. */
export interface PlacedPage {
  entries: LogEntry[]
  places: Place[]
  isEnd: boolean
  gaps: Gap[]
}

/**
 * The entries of one partition after a stream id. The range is read before the mark of the trimmer, so an entry that
 * was trimmed in between was either read or lies at or below the mark; the other order could skip silently.
 */
export async function readPartition(
  redis: Redis,
  topic: Topic,
  { partition, after, limit }: { partition: number; after: string; limit: number },
): Promise<PartitionPage> {
  const keys = partitionKeys(topic, partition)
  const [raw, [epoch, trimmed]] = await Promise.all([
    redis.xrange(keys.stream, `(${after}`, '+', 'COUNT', limit) as Promise<RawEntry[]>,
    redis.hmget(keys.meta, 'epoch', 'trimmed'),
  ])
  const entries = raw.map((entry) => unpackEntry(partition, entry))
  const first = entries[0]?.streamId
  const trimmedTo = trimmed ?? ORIGIN
  const wasReadBeforeTrim = first !== undefined && compareIds(first, trimmedTo) <= 0
  return { entries, epoch: epoch ?? '', trimmedTo: wasReadBeforeTrim ? after : trimmedTo }
}

/**
 * What lies after the reader's place in one partition, and whether the way there is whole: a place in another life of
 * the partition, or one that retention has passed, is answered with a gap and the entries behind it.
 */
export async function readOn(redis: Redis, topic: Topic, at: { partition: number; place: Place; limit: number }) {
  const { partition, place, limit } = at
  const page = await readPartition(redis, topic, { partition, after: place.streamId, limit })
  // A partition that lost everything has no epoch until somebody appends again: stay and see.
  const isOtherLife = page.epoch !== '' && place.epoch !== page.epoch && place.streamId !== ORIGIN
  const cut = isOtherLife ? await cutOf(redis, topic, { partition, epoch: place.epoch }) : undefined
  if (cut !== undefined && compareIds(place.streamId, cut) > 0) {
    const to = laterId(cut, page.trimmedTo)
    const again = await readPartition(redis, topic, { partition, after: to, limit })
    const gap: Gap = { partition, reason: 'epoch_changed', from: place.streamId, to }
    return { entries: again.entries, place: { epoch: again.epoch, streamId: to }, gap }
  }
  if (isOtherLife && cut === undefined) {
    const again = await readPartition(redis, topic, { partition, after: ORIGIN, limit })
    const to = again.trimmedTo
    const gap: Gap = { partition, reason: 'epoch_changed', from: place.streamId, to }
    return { entries: again.entries, place: { epoch: again.epoch, streamId: to }, gap }
  }
  const here = { epoch: page.epoch || place.epoch, streamId: laterId(place.streamId, page.trimmedTo) }
  if (here.streamId === place.streamId) return { entries: page.entries, place: here }
  const gap: Gap = { partition, reason: 'trimmed', from: place.streamId, to: here.streamId }
  return { entries: page.entries, place: here, gap }
}

/** One page over all partitions, in stream-id order, without what has expired. */
export async function readPage(redis: Redis, topic: Topic, places: Place[], limit: number): Promise<PlacedPage> {
  const parts: Awaited<ReturnType<typeof readOn>>[] = []
  // The newest generation first: what it holds came after the others were sealed, so they are then read to their end.
  for (let generation = topic.generations.length - 1; generation >= 0; generation--) {
    const partitions = partitionsOf(topic, generation)
    const look = (partition: number) => readOn(redis, topic, { partition, place: places[partition] ?? START, limit })
    parts.unshift(...(await Promise.all(partitions.map(look))))
  }
  const all = parts.flatMap(({ entries }) => entries)
  const entries = all.sort((a, b) => compareIds(a.streamId, b.streamId) || a.partition - b.partition).slice(0, limit)
  const next = parts.map(({ place }) => place)
  for (const { partition, streamId } of entries) next[partition] = { ...(next[partition] as Place), streamId }
  const isEnd = entries.length === all.length && parts.every((part) => part.entries.length < limit)
  const alive = await living(redis, entries, ({ event }) => event)
  return { entries: alive, places: next, isEnd, gaps: parts.flatMap(({ gap }) => (gap ? [gap] : [])) }
}

/** The places where a reader starts. */
export async function startPlaces(redis: Redis, topic: Topic, start: Start): Promise<Place[]> {
  if ('cursor' in start) {
    const places = placesNow(topic, decodeCursor(start.cursor))
    await checkPlaces(redis, topic, places)
    return places
  }
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  return Promise.all(partitions.map((partition) => startPlace(redis, topic, partition, start)))
}

async function startPlace(
  redis: Redis,
  topic: Topic,
  partition: number,
  start: { at: 'earliest' | 'latest' } | { sinceMs: number },
): Promise<Place> {
  const keys = partitionKeys(topic, partition)
  const wantsLast = 'at' in start && start.at === 'latest'
  const [last, [epoch, trimmed]] = await Promise.all([
    wantsLast ? (redis.xrevrange(keys.stream, '+', '-', 'COUNT', 1) as Promise<RawEntry[]>) : [],
    redis.hmget(keys.meta, 'epoch', 'trimmed'),
  ])
  const wanted = 'sinceMs' in start ? placeBefore(start.sinceMs) : (last[0]?.[0] ?? ORIGIN)
  // An empty stream still has a past: standing before it would look like a gap.
  return { epoch: epoch ?? '', streamId: laterId(wanted, trimmed ?? ORIGIN) }
}
