import type { Redis } from 'ioredis'
import type { Bells, Ring } from './bells.ts'
import { compareIds, encodeReceipt, ORIGIN } from './cursor.ts'
import { isFor, type RawEntry, unpackEntry } from './event.ts'
import { logError, saysRedis } from './faults.ts'
import { partitionKeys } from './names.ts'
import type { Delivery, GroupAddress } from './port.ts'
import { runScript } from './scripts.ts'
import { drop, release } from './settling.ts'
import type { Topics } from './topics.ts'

export interface PullOptions {
  max: number
  waitMs: number
  signal?: AbortSignal
}

/** One caller of `pull`, served in the order they came. */
interface Waiter {
  max: number
  isPatient: boolean
  resolve(deliveries: Delivery[]): void
  reject(error: unknown): void
}

/** What the reader knows of one partition. */
interface Shelf {
  partition: number
  nonce: string
  /** There may be entries never delivered to the group. */
  isFresh: boolean
  /** Parked entries may be due. */
  isDue: boolean
  lastId: string
  timer?: ReturnType<typeof setTimeout>
}

/** Reads of one hand-over: enough to fill a large demand, few enough that nobody waits long for the first entry. */
const PASSES_MAX = 8
const DEMAND_MAX = 1_000

/**
 * Reads for a group on behalf of everybody in this process who waits for it: never blocking in Redis, never more than
 * the waiters together asked for, only from partitions whose bell rang. A lease starts when the entry is handed over.
 */
export class GroupReader {
  private waiters: Waiter[] = []
  private shelves: Shelf[] = []
  private isRunning = false
  private turn = 0
  private readonly unlisten: () => void

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
    bells: Bells,
    private readonly address: GroupAddress,
  ) {
    this.unlisten = bells.listen(address, (ring) => this.hear(ring))
  }

  get waiting() {
    return this.waiters.length
  }

  pull({ max, waitMs, signal }: PullOptions): Promise<Delivery[]> {
    if (signal?.aborted || max <= 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const leave = () => waiter.resolve([])
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', leave)
        this.waiters = this.waiters.filter((other) => other !== waiter)
      }
      const waiter: Waiter = {
        max,
        isPatient: waitMs > 0,
        resolve: (deliveries) => {
          settle()
          resolve(deliveries)
        },
        reject: (error) => {
          settle()
          reject(logError(error, { isWrite: false }))
        },
      }
      const timer = waitMs > 0 ? setTimeout(leave, waitMs) : undefined
      signal?.addEventListener('abort', leave, { once: true })
      this.waiters.push(waiter)
      // Whoever does not wait for the bell wants a look now, whatever the bells have said so far.
      if (!waiter.isPatient) this.markAll()
      this.run()
    })
  }

  close() {
    this.unlisten()
    for (const { timer } of this.shelves) clearTimeout(timer)
    for (const waiter of this.waiters) waiter.resolve([])
  }

  private hear(ring: Ring | undefined) {
    const shelf = ring && this.shelves[ring.partition]
    if (!shelf) this.markAll()
    else if (ring.group === undefined) shelf.isFresh ||= compareIds(ring.lastId ?? '', shelf.lastId) > 0
    else if (ring.group === this.address.group) shelf.isDue = true
    this.run()
  }

  private markAll() {
    for (const shelf of this.shelves) shelf.isFresh = shelf.isDue = true
  }

  private run() {
    if (this.isRunning || this.waiters.length === 0) return
    this.isRunning = true
    this.serve()
      .catch((error) => {
        this.markAll()
        for (const waiter of this.waiters) waiter.reject(error)
      })
      .finally(() => {
        this.isRunning = false
        // Who came while the last look was under way has not been looked for.
        if (this.dirty().length > 0) this.run()
      })
  }

  private async serve(): Promise<void> {
    await this.fit()
    for (let dirty = this.dirty(); this.waiters.length > 0 && dirty.length > 0; dirty = this.dirty())
      await this.handOver(await this.collect())
    for (const waiter of this.waiters) if (!waiter.isPatient) waiter.resolve([])
  }

  /** One shelf per partition the topic has now. */
  private async fit(): Promise<void> {
    const { partitions } = await this.topics.need(this.address)
    for (let partition = this.shelves.length; partition < partitions; partition++)
      this.shelves.push({ partition, nonce: '', isFresh: true, isDue: true, lastId: ORIGIN })
  }

  private dirty() {
    return this.shelves.filter((shelf) => shelf.isFresh || shelf.isDue)
  }

  private async collect(): Promise<Delivery[]> {
    const collected: Delivery[] = []
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const demand = Math.min(
        DEMAND_MAX,
        this.waiters.reduce((sum, { max }) => sum + max, 0),
      )
      const dirty = this.dirty()
      const wanted = demand - collected.length
      if (wanted <= 0 || dirty.length === 0) break
      const from = this.turn++ % dirty.length
      const shelves = [...dirty.slice(from), ...dirty.slice(0, from)].slice(0, wanted)
      const share = Math.floor(wanted / shelves.length)
      const taken = await Promise.all(shelves.map((shelf) => this.take(shelf, share)))
      collected.push(...taken.flat())
    }
    return collected
  }

  private async handOver(collected: Delivery[]): Promise<void> {
    let at = 0
    for (const waiter of [...this.waiters]) {
      if (at >= collected.length) return
      // A caller may have left while we read; `waiters` is the truth.
      if (!this.waiters.includes(waiter)) continue
      waiter.resolve(collected.slice(at, at + waiter.max))
      at += waiter.max
    }
    const unwanted = collected.slice(at)
    if (unwanted.length > 0) await release(this.redis, this.address, unwanted)
  }

  /** Up to `count` entries of one partition: those due again first, then new ones. */
  private async take(shelf: Shelf, count: number): Promise<Delivery[]> {
    try {
      const again = shelf.isDue ? await this.takeDue(shelf, count) : []
      const fresh = shelf.isFresh && again.length < count ? await this.takeFresh(shelf, count - again.length) : []
      return [...again, ...fresh]
    } catch (error) {
      if (!saysRedis(error, 'NOGROUP')) throw error
      // Somebody destroyed the group in Redis, or Redis lost it: make it again where upkeep last saw it, if it should exist.
      this.topics.doubt(this.address)
      await this.topics.needGroup(this.address)
      shelf.nonce = await this.topics.openGroup(this.address, shelf.partition)
      shelf.isFresh = shelf.isDue = true
      return []
    }
  }

  // Both flags go down before the question leaves: a bell that rings in between puts them up again.
  private async takeDue(shelf: Shelf, count: number): Promise<Delivery[]> {
    shelf.isDue = false
    const { group, ...address } = this.address
    const keys = partitionKeys(address, shelf.partition)
    const [nonce, nextMs, , ...due] = await runScript<[string, number, number, ...[string, number, string[]][]]>(
      this.redis,
      'due',
      [keys.stream, keys.meta, keys.parked(group)],
      [group, count],
    )
    if (nonce === '') throw new Error('NOGROUP')
    shelf.nonce = nonce
    clearTimeout(shelf.timer)
    if (nextMs === 0) shelf.isDue = true
    else if (nextMs > 0)
      shelf.timer = setTimeout(
        () => {
          shelf.isDue = true
          this.run()
        },
        Math.min(nextMs, 2 ** 31 - 1),
      )
    return due.map(([streamId, deliveries, fields]) => this.delivery(shelf, [streamId, fields], deliveries))
  }

  private async takeFresh(shelf: Shelf, count: number): Promise<Delivery[]> {
    shelf.isFresh = false
    const { group, ...address } = this.address
    const { stream } = partitionKeys(address, shelf.partition)
    const reply = (await this.redis.xreadgroup('GROUP', group, 'live', 'COUNT', count, 'STREAMS', stream, '>')) as
      | [string, RawEntry[]][]
      | null
    const entries = reply?.[0]?.[1] ?? []
    if (entries.length >= count) shelf.isFresh = true
    shelf.lastId = entries.at(-1)?.[0] ?? shelf.lastId
    const deliveries = entries.map((entry) => this.delivery(shelf, entry, 1))
    const others = deliveries.filter(({ entry: { event } }) => !isFor(group, event))
    if (others.length === 0) return deliveries
    await drop(this.redis, this.address, others)
    return deliveries.filter((delivery) => !others.includes(delivery))
  }

  private delivery({ partition, nonce }: Shelf, entry: RawEntry, deliveries: number): Delivery {
    const [streamId] = entry
    return {
      entry: unpackEntry(partition, entry),
      receipt: encodeReceipt({ partition, nonce, streamId, deliveries }),
      deliveries,
    }
  }
}
