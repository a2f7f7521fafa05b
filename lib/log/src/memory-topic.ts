import { compareIds, deliveryOf, encodeReceipt, laterId, ORIGIN, type Place, placeBefore } from './cursor.ts'
import { isFor } from './event.ts'
import { isExpired } from './expiring.ts'
import { compileFilter } from './filter.ts'
import { before, formerPlaces, grownBy, widthOf } from './generations.ts'
import { life } from './names.ts'
import {
  type Appended,
  type DeadLetter,
  type Delayed,
  type Delivery,
  type Durability,
  type Gap,
  type Group,
  type LogEntry,
  LogError,
  type NewEvent,
  type PullOptions,
  type Start,
  type Topic,
} from './port.ts'

/** All that memory can give. */
export const inMemory: Durability = { level: 'memory', replicas: 0 }

interface Pending {
  deliveries: number
  /** Under lease since; undefined = parked. */
  leasedAtMs?: number
  /** Of this lease, instead of the group's. */
  leaseMs?: number
  dueAtMs: number
}

/** A group's books on one partition. */
export interface Books {
  nonce: string
  delivered: string
  pending: Map<string, Pending>
  dead: DeadLetter[]
  /** How many ever died. */
  died: number
  filtered: number
  expired: number
}

export interface Partition {
  epoch: string
  entries: LogEntry[]
  lastId: string
  trimmedTo: string
  seen: Map<string, { streamId: string; bodyHash: string }>
  /** In the order they are due. */
  delayed: { dueAtMs: number; event: NewEvent }[]
}

/** One topic in memory: what `scripts/*.lua` do in Redis, on plain values. */
export class MemoryTopic {
  readonly partitions: Partition[]
  readonly groups = new Map<string, { group: Group; books: Books[] }>()

  constructor(public topic: Topic) {
    this.partitions = Array.from({ length: topic.partitions }, () => newPartition(ORIGIN))
  }

  /** One more generation; its ids are above all that were given before. */
  grow(wanted: number) {
    if (wanted === widthOf(this.topic)) return
    const generations = grownBy(this.topic, wanted)
    const last = this.partitions.map(({ lastId }) => lastId).reduce(laterId, ORIGIN)
    for (let n = 0; n < wanted; n++) this.partitions.push(newPartition(last))
    this.topic = { ...this.topic, generations, partitions: this.partitions.length }
    for (const { books } of this.groups.values())
      while (books.length < this.partitions.length) books.push(newBooks(ORIGIN))
  }

  append(partition: number, event: NewEvent, nowMs: number): Appended {
    const here = this.part(partition)
    const about = { partition, epoch: here.epoch, durability: inMemory }
    const known = this.seenAs(partition, event)
    if (known && known.bodyHash !== event.idempotency?.bodyHash) return { ok: false, code: 'idempotency_conflict' }
    if (known) {
      const { partition: where, streamId } = known
      return { ok: true, ...about, partition: where, epoch: this.part(where).epoch, streamId, isDuplicate: true }
    }
    if (this.room(partition, nowMs, 1) < 1) return { ok: false, code: 'topic_full' }
    const streamId = this.add(here, partition, event, nowMs)
    const { idempotency } = event
    if (idempotency) here.seen.set(idempotency.key, { streamId, bodyHash: idempotency.bodyHash })
    return { ok: true, ...about, streamId, isDuplicate: false }
  }

  delay(partition: number, event: NewEvent, { dueAtMs, nowMs }: { dueAtMs: number; nowMs: number }): Delayed {
    const { seen, delayed } = this.part(partition)
    const about = { partition, durability: inMemory }
    const bodyHash = `d:${event.idempotency?.bodyHash}`
    const known = this.seenAs(partition, event)
    if (known && known.bodyHash !== bodyHash) return { ok: false, code: 'idempotency_conflict' }
    if (known)
      return { ok: true, ...about, partition: known.partition, dueAtMs: Number(known.streamId), isDuplicate: true }
    if (this.room(partition, nowMs, 1) - delayed.length < 1) return { ok: false, code: 'topic_full' }
    const { idempotency, ...plain } = event
    delayed.push({ dueAtMs, event: plain })
    delayed.sort((a, b) => a.dueAtMs - b.dueAtMs)
    if (idempotency) seen.set(idempotency.key, { streamId: String(dueAtMs), bodyHash })
    return { ok: true, ...about, dueAtMs, isDuplicate: false }
  }

  /** What is remembered of the event's idempotency key, here or where its key lay before the topic grew. */
  private seenAs(partition: number, { idempotency, partitionkey }: NewEvent) {
    if (!idempotency) return undefined
    const { key } = idempotency
    for (const at of [partition, ...formerPlaces(this.topic, partitionkey ?? key)]) {
      const known = this.part(at).seen.get(key)
      if (known) return { ...known, partition: at }
    }
    return undefined
  }

  promote(nowMs: number): number {
    let moved = 0
    for (const [partition, here] of this.partitions.entries())
      for (let first = here.delayed[0]; first && first.dueAtMs <= nowMs; first = here.delayed[0]) {
        here.delayed.shift()
        this.add(here, partition, first.event, nowMs)
        moved++
      }
    return moved
  }

  private add(here: Partition, partition: number, event: NewEvent, nowMs: number): string {
    const [lastMs, sequence] = here.lastId.split('-').map(Number) as [number, number]
    const streamId = nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${sequence + 1}`
    const { idempotency, attributes, ttlMs, ...kept } = event
    here.entries.push({ partition, streamId, event: { ...kept, attributesJson: JSON.stringify(attributes ?? {}) } })
    here.lastId = streamId
    return streamId
  }

  /** Why these events cannot be appended as a whole, if they cannot. */
  checkAll(
    partition: number,
    events: NewEvent[],
    { expectedLastId, nowMs }: { expectedLastId?: string; nowMs: number },
  ) {
    const { lastId } = this.part(partition)
    const known = events.map((event) => this.seenAs(partition, event))
    if (known.some((was, n) => was && was.bodyHash !== events[n]?.idempotency?.bodyHash))
      throw new LogError('idempotency_conflict', 'One of the events was sent before with another body.')
    const fresh = known.filter((was) => !was).length
    if (fresh > 0 && expectedLastId !== undefined && expectedLastId !== lastId)
      throw new LogError('expected_id_mismatch', `The last id of the partition is ${lastId}.`)
    if (this.room(partition, nowMs, fresh) < fresh)
      throw new LogError('topic_full', 'There is no room for all of them.')
  }

  /** How many more events fit, after what is settled has made room. */
  private room(partition: number, nowMs: number, wanted: number): number {
    const { discard } = this.topic.retention
    if (discard !== 'reject') return Number.POSITIVE_INFINITY
    const left = () => this.shares().count - this.part(partition).entries.length
    if (left() < wanted) this.trim(nowMs, { room: wanted })
    return this.shares().bytes < this.bytes(partition) ? 0 : left()
  }

  private shares() {
    const { maxEvents, maxBytes } = this.topic.retention
    const share = (limit: number | null) =>
      limit === null ? Number.POSITIVE_INFINITY : Math.ceil(limit / widthOf(this.topic))
    return { count: share(maxEvents), bytes: share(maxBytes) }
  }

  private bytes = (partition: number) =>
    this.part(partition).entries.reduce((sum, { event }) => sum + JSON.stringify(event).length, 0)

  after(partition: number, streamId: string, limit: number): LogEntry[] {
    const { entries } = this.part(partition)
    const from = entries.findIndex((entry) => compareIds(entry.streamId, streamId) > 0)
    return from < 0 ? [] : entries.slice(from, from + limit)
  }

  places(start: Exclude<Start, { cursor: string }>): Place[] {
    return this.partitions.map(({ epoch, trimmedTo, lastId }) => {
      const wanted = 'sinceMs' in start ? placeBefore(start.sinceMs) : start.at === 'latest' ? lastId : ORIGIN
      return { epoch, streamId: compareIds(wanted, trimmedTo) < 0 ? trimmedTo : wanted }
    })
  }

  page(places: Place[], limit: number, nowMs: number) {
    const gaps: Gap[] = []
    const from = places.map((place, partition): Place => {
      const { epoch, trimmedTo } = this.part(partition)
      const isOtherLife = place.epoch !== epoch && place.streamId !== ORIGIN
      if (!isOtherLife && compareIds(place.streamId, trimmedTo) >= 0) return { epoch, streamId: place.streamId }
      const reason = isOtherLife ? 'epoch_changed' : 'trimmed'
      gaps.push({ partition, reason, from: place.streamId, to: trimmedTo })
      return { epoch, streamId: trimmedTo }
    })
    const all = from.flatMap(({ streamId }, partition) => this.after(partition, streamId, limit))
    const entries = all.sort((a, b) => compareIds(a.streamId, b.streamId) || a.partition - b.partition).slice(0, limit)
    for (const { partition, streamId } of entries) from[partition] = { ...(from[partition] as Place), streamId }
    const alive = entries.filter(({ event }) => !isExpired(event, nowMs))
    return { entries: alive, places: from, gaps, isEnd: entries.length === all.length && all.length < limit }
  }

  open(group: Group, places: Place[]) {
    const books = places.map(({ streamId }) => newBooks(streamId))
    this.groups.set(group.group, { group, books })
  }

  /** Moves a group: what it held is given up. */
  move(books: Books[], places: { partition: number; after: string }[]) {
    for (const { partition, after } of places) {
      const own = books[partition]
      if (own) Object.assign(own, { nonce: life(), delivered: after, pending: new Map() })
    }
  }

  take({ group, books }: { group: Group; books: Books[] }, wanted: PullOptions, nowMs: number): Delivery[] {
    if (group.isPaused) return []
    const { leaseMs, bytesMax = Number.POSITIVE_INFINITY } = wanted
    const leased = books.flatMap(({ pending }) => [...pending.values()]).filter((one) => one.leasedAtMs !== undefined)
    const max = Math.min(wanted.max, group.inFlightMax === null ? Infinity : group.inFlightMax - leased.length)
    const fits = group.filter ? compileFilter(group.filter) : () => true
    const taken: Delivery[] = []
    let bytes = 0
    const hasRoomFor = ({ event }: LogEntry) => {
      const size = Buffer.byteLength(event.attributesJson) + Buffer.byteLength(event.dataJson ?? '')
      return taken.length < max && (taken.length === 0 || bytes + size <= bytesMax)
    }
    for (const [partition, own] of books.entries()) {
      if (!before(this.topic, partition).every((former) => this.isDrained(former, books, group.ordering !== 'none')))
        continue
      for (const entry of this.after(partition, own.delivered, Infinity)) {
        const due = [...own.pending.values()].filter((one) => one.leasedAtMs === undefined && one.dueAtMs <= nowMs)
        if (group.ordering === 'none' && taken.length + due.length >= max) break
        own.delivered = entry.streamId
        own.pending.set(entry.streamId, { deliveries: 0, dueAtMs: 0 })
      }
      const keyOf = ({ event }: LogEntry) =>
        group.ordering === 'partition' ? '' : group.ordering === 'key' ? event.partitionkey : undefined
      const inOrder = [...own.pending].sort(([a], [b]) => compareIds(a, b))
      const busy = new Set<string | undefined>()
      for (const [streamId, { leasedAtMs }] of inOrder) {
        const entry = leasedAtMs === undefined ? undefined : this.entry(partition, streamId)
        if (entry) busy.add(keyOf(entry))
      }
      for (const [streamId, { leasedAtMs, dueAtMs, deliveries }] of inOrder) {
        const entry = this.entry(partition, streamId)
        if (!entry) continue
        if (leasedAtMs === undefined && dueAtMs <= nowMs && isExpired(entry.event, nowMs)) {
          own.pending.delete(streamId)
          own.expired++
          continue
        }
        if (leasedAtMs === undefined && !(fits(entry.event) && isFor(group.group, entry.event))) {
          own.pending.delete(streamId)
          own.filtered++
          continue
        }
        const key = keyOf(entry)
        const mustWait = key !== undefined && busy.has(key)
        busy.add(key)
        if (mustWait || leasedAtMs !== undefined || dueAtMs > nowMs || !hasRoomFor(entry)) continue
        bytes += Buffer.byteLength(entry.event.attributesJson) + Buffer.byteLength(entry.event.dataJson ?? '')
        const lease = leaseMs === undefined ? {} : { leaseMs }
        own.pending.set(streamId, { deliveries: deliveries + 1, leasedAtMs: nowMs, ...lease, dueAtMs: 0 })
        const { nonce } = own
        const receipt = encodeReceipt({ partition, nonce, streamId, deliveries: deliveries + 1 })
        taken.push({ entry, deliveries: deliveryOf(deliveries + 1), receipt })
      }
    }
    return taken
  }

  private isDrained(partition: number, books: Books[], isStrict: boolean): boolean {
    const own = books[partition]
    if (!own || this.after(partition, own.delivered, 1).length > 0) return false
    const open = [...own.pending.values()].filter(({ deliveries }) => isStrict || deliveries === 0)
    return open.length === 0 && before(this.topic, partition).every((former) => this.isDrained(former, books, isStrict))
  }

  /** The entry leaves the group for its dead letters. */
  bury(own: Books, at: { partition: number; streamId: string }, why: { reason: string; nowMs: number }) {
    const entry = this.entry(at.partition, at.streamId)
    const deliveries = own.pending.get(at.streamId)?.deliveries ?? 0
    own.pending.delete(at.streamId)
    const streamId = `${why.nowMs}-${own.died++}`
    if (entry) own.dead.push({ streamId, entry, deliveries, reason: why.reason, deadAtMs: why.nowMs })
  }

  trim(nowMs: number, { room = 0 }: { room?: number } = {}): { removed: number; dropped: number } {
    const { maxAgeMs, keepUntilSettled, discard } = this.topic.retention
    const report = { removed: 0, dropped: 0 }
    if (keepUntilSettled && this.groups.size === 0) return report
    const { count, bytes } = this.shares()
    const isLimited = discard !== 'reject' || this.groups.size > 0
    for (const [partition, here] of this.partitions.entries())
      for (let first = here.entries[0]; first; first = here.entries[0]) {
        const { streamId } = first
        const isOld = maxAgeMs !== null && Number(streamId.split('-')[0]) < nowMs - maxAgeMs
        const isOver = isLimited && (here.entries.length > Math.max(0, count - room) || this.bytes(partition) > bytes)
        const isWanted = [...this.groups.values()].some(({ books }) => isUnsettled(books[partition], streamId))
        if ((isWanted && discard !== 'old-unsafe') || !(isOld || isOver)) break
        here.entries.shift()
        here.trimmedTo = streamId
        report.removed++
        if (isWanted) report.dropped++
      }
    return report
  }

  private entry = (partition: number, streamId: string) =>
    this.part(partition).entries.find((entry) => entry.streamId === streamId)

  private part(partition: number): Partition {
    const here = this.partitions[partition]
    if (!here) throw new RangeError(`there is no partition ${partition}`)
    return here
  }
}

const isUnsettled = (own: Books | undefined, streamId: string) =>
  own !== undefined && (own.pending.has(streamId) || compareIds(own.delivered, streamId) < 0)

const newBooks = (delivered: string): Books => ({
  ...{ nonce: life(), delivered, pending: new Map(), dead: [] },
  ...{ died: 0, filtered: 0, expired: 0 },
})

const newPartition = (lastId: string): Partition => ({
  ...{ epoch: life(), entries: [], lastId, trimmedTo: ORIGIN },
  ...{ seen: new Map(), delayed: [] },
})
