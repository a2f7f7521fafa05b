import { whenReady } from '@santaclaude/redis/open'
import type { Redis } from 'ioredis'
import { Batcher } from './batcher.ts'
import type { Bells } from './bells.ts'
import { packEvent } from './event.ts'
import { logError, saysRedis } from './faults.ts'
import { bellOf, life, partitionKeys, partitionOf } from './names.ts'
import { type Appended, LogError, type NewEvent, type Topic, type TopicAddress, type TopicChange } from './port.ts'
import { runScript } from './scripts.ts'
import { EVENT_BYTES_MAX } from './settings.ts'
import type { Topics } from './topics.ts'

/** How long appends wait for a Redis that is away before they are refused. */
const AWAY_MS = 3_000

const limits = { itemsMax: 256, sizeMax: 256 * 1024, inFlightMax: 2, waitingSizeMax: 64 * 1024 * 1024 }

/** One event on its way; the job it belongs to is answered when its last event is. */
interface Item {
  topic: Topic
  event: NewEvent
  packed: string[]
  index: number
  job: Job
}

interface Job {
  outcomes: Appended[]
  left: number
  resolve(outcomes: Appended[]): void
  reject(error: unknown): void
}

/** Appends of every caller in this process, in batches of one script call per partition. */
export class Appender {
  private readonly batcher: Batcher<Item>
  private turn = 0

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
    private readonly bells: Bells,
  ) {
    this.batcher = new Batcher((items) => this.flush(items), limits)
  }

  async append(address: TopicAddress, events: NewEvent[], create: boolean | TopicChange): Promise<Appended[]> {
    try {
      return await this.appendTo(await this.find(address, create), events)
    } catch (error) {
      if (!saysRedis(error, 'GONE') || !create) throw logError(error, { isWrite: true })
    }
    this.topics.forget(address)
    try {
      return await this.appendTo(await this.find(address, create), events)
    } catch (error) {
      throw logError(error, { isWrite: true })
    }
  }

  private async find(address: TopicAddress, create: boolean | TopicChange): Promise<Topic> {
    try {
      const found = await this.topics.find(address)
      if (found) return found
      if (create) return await this.topics.create(address, create === true ? {} : create)
    } catch (error) {
      // Nothing has been appended yet, whatever became of looking up the topic.
      throw logError(error, { isWrite: false })
    }
    throw new LogError('topic_not_found', `There is no topic '${address.topic}'.`)
  }

  private appendTo(topic: Topic, events: NewEvent[]): Promise<Appended[]> {
    if (events.length === 0) return Promise.resolve([])
    const packed = events.map(packEvent)
    const sizes = packed.map(sizeOf)
    if (!this.batcher.hasRoom(sizes.reduce((sum, size) => sum + size, 0)))
      return Promise.reject(new LogError('store_unavailable', 'Too many appends are waiting for Redis.'))
    return new Promise((resolve, reject) => {
      const job: Job = { outcomes: [], left: events.length, resolve, reject }
      for (const [index, event] of events.entries())
        this.batcher.add({ topic, event, packed: packed[index] as string[], index, job }, sizes[index] as number)
    })
  }

  private async flush(items: Item[]): Promise<void> {
    try {
      await whenReady(this.redis, AWAY_MS)
    } catch (cause) {
      const error = new LogError('store_unavailable', 'Redis could not be reached.', { cause })
      for (const { job } of [...items, ...this.batcher.drain()]) job.reject(error)
      return
    }
    await Promise.all(this.byPartition(items).map((batch) => this.send(batch)))
  }

  /** Keyless events of one topic share a partition per flush, so batches stay deep; the next flush takes the next one. */
  private byPartition(items: Item[]) {
    const turn = this.turn++
    const batches = new Map<string, { topic: Topic; partition: number; items: Item[] }>()
    for (const item of items) {
      const { topic, event } = item
      const key = event.partitionkey ?? event.idempotency?.key
      const partition = key === undefined ? turn % topic.partitions : partitionOf(key, topic.partitions)
      const id = `${topic.tenant}/${topic.topic}/${partition}`
      const batch = batches.get(id)
      if (batch) batch.items.push(item)
      else batches.set(id, { topic, partition, items: [item] })
    }
    return [...batches.values()]
  }

  private async send({ topic, partition, items }: { topic: Topic; partition: number; items: Item[] }) {
    const keys = partitionKeys(topic, partition)
    const isKeyed = items.some(({ event }) => event.idempotency)
    const args: (string | number)[] = [life(), isKeyed ? topic.idempotencyWindowMs : 0, bellOf(topic), partition]
    for (const { event, packed } of items)
      args.push(event.idempotency?.key ?? '', event.idempotency?.bodyHash ?? '', ...packed)
    try {
      const answers = await runScript<string[]>(this.redis, 'append', [keys.stream, keys.meta, ...keys.seen], args)
      const [epoch = '', ...places] = answers
      for (const [n, item] of items.entries()) answer(item, readAnswer(partition, epoch, places[n] ?? '!'))
      const lastId = places.findLast((place) => place !== '!' && !place.startsWith('='))
      if (lastId) this.bells.ringHere(topic, { partition, lastId })
    } catch (error) {
      const fault = saysRedis(error, 'GONE') ? error : logError(error, { isWrite: true })
      for (const { job } of items) job.reject(fault)
    }
  }
}

function sizeOf(packed: string[]): number {
  const size = packed.reduce((sum, text) => sum + text.length, 0)
  const bytes = size * 3 < EVENT_BYTES_MAX ? size : packed.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > EVENT_BYTES_MAX)
    throw new LogError('event_too_large', `An event may have ${EVENT_BYTES_MAX} bytes; this one has ${bytes}.`)
  return bytes
}

function answer({ job, index }: Item, outcome: Appended) {
  job.outcomes[index] = outcome
  if (--job.left === 0) job.resolve(job.outcomes)
}

function readAnswer(partition: number, epoch: string, text: string): Appended {
  if (text === '!') return { ok: false, code: 'idempotency_conflict' }
  const isDuplicate = text.startsWith('=')
  return { ok: true, partition, epoch, streamId: isDuplicate ? text.slice(1) : text, isDuplicate }
}
