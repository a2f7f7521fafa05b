import { pause } from '@santaclaude/kit/deadline'
import type { Redis } from 'ioredis'
import type { Bells } from './bells.ts'
import { compareIds, encodeCursor, ORIGIN, type Place } from './cursor.ts'
import { living } from './expiring.ts'
import { logError } from './faults.ts'
import { generationOf, partitionsOf, placesNow } from './generations.ts'
import type { LogEntry, Start, TailItem, Topic, TopicAddress } from './port.ts'
import { readOn, readPage, startPlaces } from './reading.ts'
import type { Topics } from './topics.ts'

/** How many entries wait for one slow reader before it falls back to reading pages at its own pace. */
const WAITING_MAX = 512
const PAGE = 256
/** Between two looks at a topic that was emptied. */
const WIPED_MS = 100

/** One reader at the head of a topic: entries are handed to it as the pump sees them. */
interface Follower {
  waiting: LogEntry[]
  /** False = it fell behind, or its place is in doubt: it must read pages again before it follows. */
  isFollowing: boolean
  wake(): void
}

/**
 * Live tails. Per topic one pump reads each new entry once and hands it to every follower at the head; a reader that
 * starts in the past, or cannot keep up, reads pages from its own place until it has reached the pump. So a thousand
 * readers cost Redis one, and a slow one costs a bounded amount of memory and never a lost entry.
 */
export class Tails {
  private readonly pumps = new Map<string, Promise<Pump>>()

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
    private readonly bells: Bells,
  ) {}

  async *tail(address: TopicAddress, from: Start, signal: AbortSignal): AsyncGenerator<TailItem> {
    try {
      yield* this.follow(address, from, signal)
    } catch (error) {
      throw logError(error, { isWrite: false })
    }
  }

  private async *follow(address: TopicAddress, from: Start, signal: AbortSignal): AsyncGenerator<TailItem> {
    const topic = await this.topics.need(address)
    let places = await startPlaces(this.redis, topic, from)
    const pump = await this.pumpOf(topic)
    let wake = () => {}
    const follower: Follower = { waiting: [], isFollowing: false, wake: () => wake() }
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort, { once: true })
    pump.followers.add(follower)
    try {
      yield { kind: 'ready', cursor: encodeCursor(places) }
      while (!signal.aborted) {
        places = placesNow(pump.topic, places)
        if (!follower.isFollowing) {
          const page = await readPage(this.redis, pump.topic, places, PAGE)
          for (const gap of page.gaps) {
            // The place after the gap, and not yet after what follows it: a reader may come back from here.
            const epoch = page.places[gap.partition]?.epoch ?? ''
            places = places.map((place, at) => (at === gap.partition ? { epoch, streamId: gap.to } : place))
            yield { kind: 'gap', gap, cursor: encodeCursor(places) }
          }
          places = livedIn(places, page.places)
          for (const entry of page.entries) {
            places = moved(places, entry)
            yield { kind: 'entry', entry, cursor: encodeCursor(places) }
          }
          places = page.places
          follower.waiting = []
          follower.isFollowing = pump.isBehindOrAt(places)
          // Of a partition that lost its data nobody knows the new life before its first entry: look again, but calmly.
          if (!follower.isFollowing && page.entries.length === 0) await pause(WIPED_MS, signal)
          continue
        }
        const entries = follower.waiting
        follower.waiting = []
        for (const entry of entries) {
          if (compareIds(entry.streamId, places[entry.partition]?.streamId ?? '') <= 0) continue
          places = moved(places, entry)
          yield { kind: 'entry', entry, cursor: encodeCursor(places) }
        }
        if (signal.aborted || follower.waiting.length > 0 || !follower.isFollowing) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      pump.followers.delete(follower)
      if (pump.followers.size === 0) this.stop(topic)
    }
  }

  private pumpOf(topic: Topic): Promise<Pump> {
    const id = `${topic.tenant}/${topic.topic}`
    const running = this.pumps.get(id)
    if (running) return running
    const starting = Pump.start({ redis: this.redis, bells: this.bells, topics: this.topics }, topic)
    this.pumps.set(id, starting)
    starting.catch(() => this.pumps.delete(id))
    return starting
  }

  private stop(topic: Topic) {
    const id = `${topic.tenant}/${topic.topic}`
    const pump = this.pumps.get(id)
    this.pumps.delete(id)
    pump?.then((running) => running.stop()).catch(() => {})
  }
}

interface PumpParts {
  redis: Redis
  bells: Bells
  topics: Topics
}

class Pump {
  readonly followers = new Set<Follower>()
  private readonly dirty = new Set<number>()
  private isRunning = false
  private isTopicDoubted = false
  private readonly unlisten: () => void

  static async start(parts: PumpParts, topic: Topic): Promise<Pump> {
    return new Pump(parts, topic, await startPlaces(parts.redis, topic, { at: 'latest' }))
  }

  private constructor(
    private readonly parts: PumpParts,
    /** As it is known now: it may grow. */
    public topic: Topic,
    private places: Place[],
  ) {
    this.unlisten = parts.bells.listen(topic, (ring) => {
      if (ring?.group) return
      if (!ring || !this.places[ring.partition]) this.isTopicDoubted = true
      if (!ring) for (const partition of this.places.keys()) this.dirty.add(partition)
      else if (ring.lastId && compareIds(ring.lastId, this.places[ring.partition]?.streamId ?? ORIGIN) > 0)
        this.dirty.add(ring.partition)
      this.run().catch(() => {})
    })
  }

  stop() {
    this.unlisten()
  }

  /** Whether a reader at these places has seen everything the pump has handed out. */
  isBehindOrAt(places: Place[]): boolean {
    return this.places.every(({ epoch, streamId }, partition) => {
      const theirs = places[partition]
      return theirs !== undefined && theirs.epoch === epoch && compareIds(streamId, theirs.streamId) <= 0
    })
  }

  private async run(): Promise<void> {
    if (this.isRunning) return
    this.isRunning = true
    try {
      while (this.dirty.size > 0) {
        const partitions = [...this.dirty]
        this.dirty.clear()
        await this.fit()
        const newest = this.topic.generations.length - 1
        if (newest === 0) await Promise.all(partitions.map(async (partition) => this.pass(await this.read(partition))))
        else await this.readInTurn(newest, partitions)
      }
    } finally {
      this.isRunning = false
    }
  }

  /** A place for each partition the topic has now. */
  private async fit(): Promise<void> {
    if (!this.isTopicDoubted) return
    this.isTopicDoubted = false
    const topic = await this.parts.topics.reread(this.topic)
    if (!topic || topic.partitions <= this.topic.partitions) return
    this.places = placesNow(topic, this.places)
    this.topic = topic
    for (let partition = 0; partition < topic.partitions; partition++) this.dirty.add(partition)
  }

  /** The newest generation is read first and passed on last: what it holds came after the others were sealed. */
  private async readInTurn(generation: number, partitions: number[]): Promise<void> {
    const own = partitions.filter((partition) => generationOf(this.topic.generations, partition) === generation)
    const found = (await Promise.all(own.map((partition) => this.read(partition)))).flat()
    const isNew = found.length > 0
    const former = isNew && generation > 0 ? partitionsOf(this.topic, generation - 1) : []
    const rest = new Set([...former, ...partitions.filter((partition) => !own.includes(partition))])
    if (rest.size > 0 && generation > 0) await this.readInTurn(generation - 1, [...rest])
    await this.pass(found)
    // A page may not have been all: before anything newer is passed on, the rest is.
    const more = own.filter((partition) => this.dirty.delete(partition))
    if (more.length > 0) await this.readInTurn(generation, more)
  }

  private async pass(entries: LogEntry[]): Promise<void> {
    const alive = await living(this.parts.redis, entries, ({ event }) => event)
    for (const follower of this.followers) hand(follower, alive)
  }

  private async read(partition: number): Promise<LogEntry[]> {
    const place = this.places[partition]
    if (!place) return []
    const { entries, place: here, gap } = await readOn(this.parts.redis, this.topic, { partition, place, limit: PAGE })
    const last = entries.at(-1)
    this.places[partition] = last ? { ...here, streamId: last.streamId } : here
    // After a gap, or in a new life, each follower finds out for itself where it stood and says so to its reader.
    if (gap || here.epoch !== place.epoch) for (const follower of this.followers) release(follower)
    if (entries.length === PAGE) this.dirty.add(partition)
    return entries
  }
}

function hand(follower: Follower, entries: LogEntry[]) {
  if (!follower.isFollowing || entries.length === 0) return
  if (follower.waiting.length + entries.length > WAITING_MAX) release(follower)
  else for (const entry of entries) follower.waiting.push(entry)
  follower.wake()
}

function release(follower: Follower) {
  follower.isFollowing = false
  follower.waiting = []
  follower.wake()
}

/** The same places in the lives that a newer look has found: an id of one life must not go with the epoch of another. */
const livedIn = (places: Place[], newer: Place[]) =>
  places.map((place, at) => ({ ...place, epoch: newer[at]?.epoch ?? place.epoch }))

function moved(places: Place[], { partition, streamId }: LogEntry): Place[] {
  return places.map((place, at) => (at === partition ? { ...place, streamId } : place))
}
