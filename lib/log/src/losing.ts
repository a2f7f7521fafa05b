import { serverOf } from '@santaclaude/redis/cluster'
import type { Redis } from 'ioredis'
import { compareIds, isEntryId, type Place } from './cursor.ts'
import { life, partitionKeys } from './names.ts'
import type { Appended, Topic, TopicAddress } from './port.ts'
import { runScript } from './scripts.ts'

/** How many partitions are remembered. */
const MARKS_MAX = 20_000
/** Partitions looked at at once. */
const WIDTH = 64
const SERVER_MS = 1_000

interface Mark extends Place {
  address: TopicAddress
  partition: number
}

/**
 * Remembers the last entry of each partition that this process knows to have been kept. When the connection comes back,
 * one that is no longer there says that Redis lost its tail: the partition gets a new epoch, so that every reader is told.
 * Any process that remembers is enough; a cursor that a client kept says the same when it is used.
 */
export class Watermarks {
  private readonly marks = new Map<string, Mark>()
  private wasReady = false
  private isServerLost = false

  constructor(private readonly redis: Redis) {
    redis.on('ready', () => {
      // A check that fails is made up for: the connection broke again, or the next reader's cursor finds out.
      if (this.wasReady) this.check().catch(() => {})
      this.wasReady = true
    })
    // A Cluster stays ready when one of its servers is lost; its next map of slots may name a replica in its place.
    const events: { on(name: '-node' | 'refresh', listener: () => void): unknown } = redis
    events.on('-node', () => {
      this.isServerLost = true
    })
    events.on('refresh', () => {
      if (this.isServerLost) this.recheck()
    })
  }

  /** What these appends were answered. */
  noteAll(address: TopicAddress, outcomes: Appended[]) {
    for (const outcome of outcomes) if (outcome.ok) this.note(address, outcome)
  }

  private note({ tenant, topic }: TopicAddress, { partition, epoch, streamId }: Place & { partition: number }) {
    const name = `${tenant}/${topic}/${partition}`
    const known = this.marks.get(name)
    if (known && known.epoch === epoch && compareIds(streamId, known.streamId) <= 0) return
    if (!known && this.marks.size >= MARKS_MAX) {
      const [oldest] = this.marks.keys()
      if (oldest !== undefined) this.marks.delete(oldest)
    }
    this.marks.set(name, { address: { tenant, topic }, partition, epoch, streamId })
  }

  private recheck() {
    this.isServerLost = false
    this.check().catch(() => {
      this.isServerLost = true
    })
  }

  private async check(): Promise<void> {
    const marks = [...this.marks.values()]
    for (let at = 0; at < marks.length; at += WIDTH)
      await Promise.all(marks.slice(at, at + WIDTH).map((mark) => checkPlace(this.redis, mark.address, mark)))
  }
}

/** Whether the entry of a place is there; when it was lost, the partition has a new epoch afterwards. */
async function checkPlace(redis: Redis, address: TopicAddress, place: Place & { partition: number }): Promise<void> {
  const { partition, epoch, streamId } = place
  if (epoch === '' || !isEntryId(streamId)) return
  const { stream, meta } = partitionKeys(address, partition)
  const found = (await redis.xrange(stream, streamId, streamId)) as unknown[]
  if (found.length > 0) return
  const isNews = await runScript<number>(redis, 'lost', [stream, meta], [epoch, streamId, life()])
  if (isNews === 1) await mendFile(redis, stream)
}

/**
 * Has the append-only file written anew. When Redis cuts a torn file it can leave the first half of a transaction there
 * (seen on 7.0.15), which would come back to life, half, at the start after this one.
 */
const mendFile = (redis: Redis, key: string): Promise<void> =>
  serverOf(redis, key, SERVER_MS)
    .then((server) => server.bgrewriteaof())
    // Without a file, or while it is being rewritten, there is nothing to mend.
    .then(
      () => {},
      () => {},
    )

/** The places of a cursor, held against what is there. */
export async function checkPlaces(redis: Redis, topic: Topic, places: Place[]): Promise<void> {
  await Promise.all(places.map((place, partition) => checkPlace(redis, topic, { ...place, partition })))
}

/** Where a reader of the life before goes on without a gap, as far as the two lives are the same; undefined = nowhere. */
export async function cutOf(redis: Redis, topic: Topic, at: { partition: number; epoch: string }) {
  const text = await redis.hget(partitionKeys(topic, at.partition).meta, 'before')
  const [epoch, cut] = text?.split(' ') ?? []
  return epoch === at.epoch ? cut : undefined
}
