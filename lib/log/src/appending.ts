import type { Redis } from 'ioredis'
import type { Bells } from './bells.ts'
import type { Connections } from './connections.ts'
import { packEvent } from './event.ts'
import { withExpiry } from './expiring.ts'
import { logError, saysRedis } from './faults.ts'
import { formerAnswer, formerOf } from './former.ts'
import { ownPartition, partitionsOf } from './generations.ts'
import { grown } from './growing.ts'
import { type Item, type Job, Lane } from './lane.ts'
import type { Watermarks } from './losing.ts'
import {
  type Appended,
  type AppendOptions,
  type Delayed,
  type Due,
  type Durability,
  LogError,
  type NewEvent,
  type Topic,
  type TopicAddress,
} from './port.ts'
import type { Promoter } from './promoting.ts'
import { canGive, mustWait } from './reach.ts'
import { clockOf } from './redis-clock.ts'
import { EVENT_BYTES_MAX } from './settings.ts'
import type { Topics } from './topics.ts'
import { checkWhole } from './whole.ts'

const waitingSizeMax = 64 * 1024 * 1024
const quickLimits = { itemsMax: 256, sizeMax: 256 * 1024, inFlightMax: 2, waitingSizeMax }
/** A confirmation takes its time, so many share one. */
const sureLimits = { itemsMax: 4_096, sizeMax: 4 * 1024 * 1024, inFlightMax: 1, waitingSizeMax }

interface Parts {
  topics: Topics
  bells: Bells
  promoter: Promoter
  watermarks: Watermarks
}

type Wish = AppendOptions & { due?: Due }
/** Events of one job that are not given to a partition yet. */
type Load = Omit<Item, 'partition'>

/** Appends of every caller in this process. */
export class Appender {
  private readonly quick: Lane
  private readonly sure: Lane
  private readonly appends: Redis
  private readonly commands: Redis
  private moving = Promise.resolve()

  constructor(
    { appends, sureAppends, commands }: Pick<Connections, 'appends' | 'sureAppends' | 'commands'>,
    private readonly parts: Parts,
  ) {
    const { bells, promoter } = parts
    const onDelayed = (topic: Topic, partition: number, dueMs: string) => promoter.tell(topic, partition, dueMs)
    const onSealed = (item: Item, lane: Lane) => this.rehouse(item, lane)
    this.appends = appends
    this.commands = commands
    this.quick = new Lane(appends, bells, quickLimits, onDelayed, onSealed)
    this.sure = new Lane(sureAppends, bells, sureLimits, onDelayed, onSealed)
  }

  async append(address: TopicAddress, events: NewEvent[], options: AppendOptions): Promise<Appended[]> {
    const outcomes = (await this.keep(address, events, options)) as Appended[]
    this.parts.watermarks.noteAll(address, outcomes)
    return outcomes
  }

  appendLater(address: TopicAddress, events: NewEvent[], due: Due, options: AppendOptions): Promise<Delayed[]> {
    return this.keep(address, events, { ...options, due }) as Promise<Delayed[]>
  }

  private async keep(address: TopicAddress, events: NewEvent[], options: Wish): Promise<(Appended | Delayed)[]> {
    try {
      return await this.appendTo(await this.find(address, options), events, options)
    } catch (error) {
      if (!saysRedis(error, 'GONE') || !options.create) throw logError(error, { isWrite: true })
    }
    this.parts.topics.forget(address)
    try {
      return await this.appendTo(await this.find(address, options), events, options)
    } catch (error) {
      throw logError(error, { isWrite: true })
    }
  }

  private async find(address: TopicAddress, { create }: AppendOptions): Promise<Topic> {
    try {
      const found = await this.parts.topics.find(address)
      if (found) return found
      if (create) return await this.parts.topics.create(address, create === true ? {} : create)
    } catch (error) {
      // Nothing has been appended yet, whatever became of looking up the topic.
      throw logError(error, { isWrite: false })
    }
    throw new LogError('topic_not_found', `There is no topic '${address.topic}'.`)
  }

  private async appendTo(topic: Topic, given: NewEvent[], options: Wish): Promise<(Appended | Delayed)[]> {
    if (given.length === 0) return []
    const { due } = options
    const events = await this.dated(given, due)
    const packed = events.map(packEvent)
    const sizes = packed.map(sizeOf)
    const wish = options.durability ?? {}
    const lane = await this.laneFor(wish, topic, events)
    const weight = sizes.reduce((sum, size) => sum + size, 0)
    if (!lane.hasRoom(weight, topic.tenant))
      throw new LogError('store_unavailable', 'Too many appends are waiting for Redis.')
    const carried = events.map((event, index) => ({
      event,
      packed: packed[index] as string[],
      index,
      size: sizes[index] ?? 0,
    }))
    const isWhole = options.isAtomic || options.expectedLastId !== undefined
    const { expectedLastId } = options
    return new Promise((resolve, reject) => {
      const job: Job = { wish, outcomes: [], left: events.length, out: 0, resolve, reject }
      const condition = expectedLastId === undefined ? {} : { expectedLastId }
      const load = { topic, events: carried, job, ...(isWhole && { condition }), ...(due && { due }) }
      if (topic.generations.length === 1) this.put(load, lane)
      else this.putGrown(load, lane)
    })
  }

  /** Gives events to the lane, each for its partition, or all of them for the one they share. */
  private put({ topic, events, job, condition, due }: Load, lane: Lane) {
    try {
      const partitions = events.map(({ event }) => ownPartition(topic, event))
      if (condition) {
        checkWhole(partitions, events.length)
        const size = events.reduce((sum, one) => sum + one.size, 0)
        lane.add({ topic, partition: partitions[0], events, condition, job }, size)
      } else
        for (const [n, one] of events.entries())
          lane.add({ topic, partition: partitions[n], events: [one], job, ...(due && { due }) }, one.size)
    } catch (error) {
      job.reject(error)
    }
  }

  /** The same for a topic that has grown: what was sent before it did is answered, and not kept twice. */
  private async putGrown(load: Load, lane: Lane) {
    const { topic, events, job, due } = load
    try {
      const isDue = due !== undefined
      const plain = events.map(({ event }) => event)
      const formers = await formerOf(this.commands, topic, plain, { isDue })
      if (load.condition && formers.includes('conflict'))
        throw new LogError('idempotency_conflict', 'One of the events was sent before with another body.')
      const fresh = events.filter((_, n) => !formers[n])
      for (const [n, former] of formers.entries()) {
        if (!former) continue
        const durability = await lane.vouch(topic, former === 'conflict' ? 0 : former.partition, job.wish)
        job.outcomes[events[n]?.index ?? 0] = formerAnswer(former, due, durability)
        job.left--
      }
      if (fresh.length > 0) this.put({ ...load, events: fresh }, lane)
      else if (job.left === 0) job.resolve(job.outcomes)
    } catch (error) {
      job.reject(logError(error, { isWrite: false }))
    }
  }

  /** The topic has grown since this was given to the lane: it goes where its keys lie now, in the order it came. */
  private rehouse(item: Item, lane: Lane) {
    this.moving = this.moving.then(() => this.move(item, lane))
  }

  private async move({ topic, ...load }: Item, lane: Lane) {
    try {
      await this.putGrown({ ...load, topic: await grown(this.commands, this.parts.topics, topic) }, lane)
    } catch (error) {
      load.job.reject(logError(error, { isWrite: false }))
    }
  }

  /** Events that live for a while, with the time they end: a place for Redis's clock, not for ours. */
  private async dated(events: NewEvent[], due: Due | undefined): Promise<NewEvent[]> {
    if (events.every(({ ttlMs }) => ttlMs === undefined)) return events
    try {
      const nowMs = await clockOf(this.appends).now()
      const readableAtMs = !due ? nowMs : 'atMs' in due ? Math.max(nowMs, due.atMs) : nowMs + due.delayMs
      return events.map((event) => withExpiry(event, readableAtMs))
    } catch (error) {
      throw logError(error, { isWrite: false })
    }
  }

  /** The connection for a wish, or why it cannot be had. */
  private async laneFor(wish: Partial<Durability>, topic: Topic, events: NewEvent[]): Promise<Lane> {
    if (wish.level === undefined && !wish.replicas) return this.quick
    const partitions = events.flatMap((event) => ownPartition(topic, event) ?? partitionsOf(topic))
    const reach = await this.quick.reach(topic, new Set(partitions))
    if (canGive(reach, wish)) return mustWait(reach, wish) ? this.sure : this.quick
    const has = `${reach.level}${reach.canWaitForDisk ? ' (fsync on request)' : ''} and ${reach.replicas} replicas`
    throw new LogError('durability_unavailable', `The server has ${has}.`)
  }
}

function sizeOf(packed: string[]): number {
  const size = packed.reduce((sum, text) => sum + text.length, 0)
  const bytes = size * 3 < EVENT_BYTES_MAX ? size : packed.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > EVENT_BYTES_MAX)
    throw new LogError('event_too_large', `An event may have ${EVENT_BYTES_MAX} bytes; this one has ${bytes}.`)
  return bytes
}
