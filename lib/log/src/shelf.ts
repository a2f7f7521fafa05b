import type { Redis } from 'ioredis'
import { compareIds, deliveryOf, encodeReceipt, ORIGIN } from './cursor.ts'
import { isFor, type RawEntry, unpackEntry } from './event.ts'
import { living } from './expiring.ts'
import { saysRedis } from './faults.ts'
import type { Fits } from './filter.ts'
import { bellOf, partitionKeys } from './names.ts'
import type { Delivery, GroupAddress, LogEntry, LogEvent, Ordering } from './port.ts'
import { runScript } from './scripts.ts'
import { drop } from './settling.ts'
import type { Topics } from './topics.ts'

/** What a group that orders or filters reads at once, before it knows what it may hand out. */
const AHEAD = 256
/** Rounds of reading ahead in one take: with few events that fit, a take must still come to an end. */
const ROUNDS_MAX = 16
/** How many entries of one partition may stand in line behind others of their key. */
const LINE_MAX = 10_000

/** What a group wants of its shelves. */
export interface Rules {
  ordering: Ordering
  fits: Fits | undefined
}

/** One partition as a group's reader knows it: whether a look is worth it, and how to take from it. */
export class Shelf {
  /** There may be entries never delivered to the group. */
  isFresh = true
  /** Parked entries may be due. */
  isDue = true
  /** Reading ahead stopped because too many stand in line. */
  private isLineFull = false
  private nonce = ''
  private lastId = ORIGIN
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly keys

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
    private readonly address: GroupAddress,
    private readonly partition: number,
    private readonly wake: () => void,
  ) {
    this.keys = partitionKeys({ tenant: address.tenant, topic: address.topic }, partition)
  }

  /** A new entry up to `lastId` was appended. */
  hear(lastId: string) {
    this.isFresh ||= compareIds(lastId, this.lastId) > 0
  }

  /** Something the group held here was parked or settled. */
  hearGroup() {
    this.isDue = true
    this.isFresh ||= this.isLineFull
  }

  close() {
    clearTimeout(this.timer)
  }

  /** Up to `count` entries under lease: those due again first, then new ones. */
  async take(count: number, rules: Rules): Promise<Delivery[]> {
    try {
      if (rules.ordering !== 'none' || rules.fits) return await this.living(await this.takeAhead(count, rules))
      const again = this.isDue ? await this.takeDue(count) : []
      const fresh = this.isFresh && again.length < count ? await this.takeFresh(count - again.length) : []
      return await this.living([...again, ...fresh])
    } catch (error) {
      if (!saysRedis(error, 'NOGROUP')) throw error
      // Somebody destroyed the group in Redis, or Redis lost it: make it again where upkeep last saw it, if it should exist.
      this.topics.doubt(this.address)
      await this.topics.needGroup(this.address)
      this.nonce = await this.topics.openGroup(this.address, this.partition)
      this.isFresh = this.isDue = true
      return []
    }
  }

  /** What is due is taken; when that is not enough, more is read and put in its place first. */
  private async takeAhead(count: number, { ordering, fits }: Rules): Promise<Delivery[]> {
    const taken: Delivery[] = []
    for (let round = 0; round < ROUNDS_MAX && taken.length < count; round++) {
      if (this.isDue) taken.push(...(await this.keep(await this.takeDue(count - taken.length), fits)))
      if (this.isDue || taken.length >= count) continue
      if (!this.isFresh) break
      await this.readAhead(ordering, fits)
    }
    return taken
  }

  private async readAhead(ordering: Ordering, fits: Fits | undefined): Promise<void> {
    this.isFresh = false
    const { stream } = this.keys
    const { group } = this.address
    const [parked, line, keyof] = this.keys.books(group) as [string, string, string]
    const [isFull, ...raw] = await runScript<[number, ...RawEntry[]]>(
      this.redis,
      'ahead',
      [stream, parked, line, keyof],
      [group, AHEAD, ordering, LINE_MAX],
    )
    this.isLineFull = isFull === 1
    if (raw.length === 0) return
    const entries = raw.map((entry) => unpackEntry(this.partition, entry))
    this.isFresh = entries.length === AHEAD
    this.lastId = entries.at(-1)?.streamId ?? this.lastId
    this.isDue = true
    await this.skip(entries.filter(({ event }) => !this.isWanted(event, fits)))
  }

  /** Without what the filter does not let through, which is settled. */
  private async keep(deliveries: Delivery[], fits: Fits | undefined): Promise<Delivery[]> {
    const others = deliveries.filter(({ entry: { event } }) => !this.isWanted(event, fits))
    if (others.length === 0) return deliveries
    await this.skip(others.map(({ entry }) => entry))
    return deliveries.filter((delivery) => !others.includes(delivery))
  }

  /** Without what has outlived its time, which is settled. */
  private async living(deliveries: Delivery[]): Promise<Delivery[]> {
    const alive = await living(this.redis, deliveries, ({ entry }) => entry.event)
    if (alive.length === deliveries.length) return deliveries
    const dead = deliveries.filter((delivery) => !alive.includes(delivery))
    await this.skip(
      dead.map(({ entry }) => entry),
      'expired',
    )
    return alive
  }

  private isWanted = (event: LogEvent, fits: Fits | undefined) =>
    isFor(this.address.group, event) && (fits?.(event) ?? true)

  private async skip(entries: LogEntry[], why: 'filtered' | 'expired' = 'filtered'): Promise<void> {
    if (entries.length === 0) return
    const { stream, meta } = this.keys
    const { group } = this.address
    const books = this.keys.books(group).slice(0, 3)
    const ids = entries.map(({ streamId }) => streamId)
    await runScript(
      this.redis,
      'skip',
      [stream, meta, ...books],
      [group, bellOf(this.address), this.partition, why, ...ids],
    )
  }

  // Both flags go down before the question leaves: a bell that rings in between puts them up again.
  private async takeDue(count: number): Promise<Delivery[]> {
    this.isDue = false
    const { stream, meta } = this.keys
    const { group } = this.address
    const [nonce, nextMs, , ...due] = await runScript<[string, number, number, ...[string, number, string[]][]]>(
      this.redis,
      'due',
      [stream, meta, ...this.keys.books(group).slice(0, 3)],
      [group, count],
    )
    if (nonce === '') throw new Error('NOGROUP')
    this.nonce = nonce
    clearTimeout(this.timer)
    if (nextMs === 0) this.isDue = true
    else if (nextMs > 0)
      this.timer = setTimeout(
        () => {
          this.isDue = true
          this.wake()
        },
        Math.min(nextMs, 2 ** 31 - 1),
      )
    return due.map(([streamId, deliveries, fields]) => this.delivery([streamId, fields], deliveries))
  }

  private async takeFresh(count: number): Promise<Delivery[]> {
    this.isFresh = false
    const { stream, meta } = this.keys
    const { group } = this.address
    // The nonce is asked for first: should the group be moved in between, these receipts are worth nothing, not too much.
    const [nonce, reply] = await Promise.all([
      this.redis.hget(meta, `nonce:${group}`),
      this.redis.xreadgroup('GROUP', group, 'live', 'COUNT', count, 'STREAMS', stream, '>') as Promise<
        [string, RawEntry[]][] | null
      >,
    ])
    this.nonce = nonce ?? this.nonce
    const entries = reply?.[0]?.[1] ?? []
    if (entries.length >= count) this.isFresh = true
    this.lastId = entries.at(-1)?.[0] ?? this.lastId
    const deliveries = entries.map((entry) => this.delivery(entry, 1))
    const others = deliveries.filter(({ entry: { event } }) => !isFor(group, event))
    if (others.length === 0) return deliveries
    await drop(this.redis, this.address, others)
    return deliveries.filter((delivery) => !others.includes(delivery))
  }

  private delivery(entry: RawEntry, deliveries: number): Delivery {
    const { partition, nonce } = this
    const [streamId] = entry
    return {
      entry: unpackEntry(partition, entry),
      receipt: encodeReceipt({ partition, nonce, streamId, deliveries }),
      deliveries: deliveryOf(deliveries),
    }
  }
}
