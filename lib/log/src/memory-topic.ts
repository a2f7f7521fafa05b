import { compareIds, encodeReceipt, ORIGIN, type Place, placeBefore } from './cursor.ts'
import { life } from './names.ts'
import type { Appended, DeadLetter, Delivery, Gap, Group, LogEntry, NewEvent, Start, Topic } from './port.ts'

interface Pending {
  deliveries: number
  /** Under lease since; undefined = parked. */
  leasedAtMs?: number
  dueAtMs: number
}

/** A group's books on one partition. */
export interface Books {
  nonce: string
  delivered: string
  pending: Map<string, Pending>
  dead: DeadLetter[]
}

export interface Partition {
  epoch: string
  entries: LogEntry[]
  lastId: string
  trimmedTo: string
  seen: Map<string, { streamId: string; bodyHash: string }>
}

/** One topic in memory: what `scripts/*.lua` do in Redis, on plain values. */
export class MemoryTopic {
  readonly partitions: Partition[]
  readonly groups = new Map<string, { group: Group; books: Books[] }>()

  constructor(public topic: Topic) {
    this.partitions = Array.from({ length: topic.partitions }, () => ({
      epoch: life(),
      entries: [],
      lastId: ORIGIN,
      trimmedTo: ORIGIN,
      seen: new Map(),
    }))
  }

  append(partition: number, event: NewEvent, nowMs: number): Appended {
    const here = this.part(partition)
    const known = event.idempotency && here.seen.get(event.idempotency.key)
    if (known && known.bodyHash !== event.idempotency?.bodyHash) return { ok: false, code: 'idempotency_conflict' }
    if (known) return { ok: true, partition, streamId: known.streamId, epoch: here.epoch, isDuplicate: true }
    const [lastMs, sequence] = here.lastId.split('-').map(Number) as [number, number]
    const streamId = nowMs > lastMs ? `${nowMs}-0` : `${lastMs}-${sequence + 1}`
    const { idempotency, attributes, ...kept } = event
    here.entries.push({ partition, streamId, event: { ...kept, attributesJson: JSON.stringify(attributes ?? {}) } })
    here.lastId = streamId
    if (idempotency) here.seen.set(idempotency.key, { streamId, bodyHash: idempotency.bodyHash })
    return { ok: true, partition, streamId, epoch: here.epoch, isDuplicate: false }
  }

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

  page(places: Place[], limit: number) {
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
    return { entries, places: from, gaps, isEnd: entries.length === all.length && all.length < limit }
  }

  open(group: Group, places: Place[]) {
    const books = places.map(
      ({ streamId }): Books => ({ nonce: life(), delivered: streamId, pending: new Map(), dead: [] }),
    )
    this.groups.set(group.group, { group, books })
  }

  take({ books }: { books: Books[] }, max: number, nowMs: number): Delivery[] {
    const taken: Delivery[] = []
    const lease = (entry: LogEntry, { nonce, pending }: Books, deliveries: number) => {
      const { partition, streamId } = entry
      pending.set(streamId, { deliveries, leasedAtMs: nowMs, dueAtMs: 0 })
      taken.push({ entry, deliveries, receipt: encodeReceipt({ partition, nonce, streamId, deliveries }) })
    }
    for (const [partition, own] of books.entries()) {
      for (const [streamId, { leasedAtMs, dueAtMs, deliveries }] of [...own.pending]) {
        if (taken.length >= max || leasedAtMs !== undefined || dueAtMs > nowMs) continue
        const entry = this.entry(partition, streamId)
        if (entry) lease(entry, own, deliveries + 1)
      }
      for (const entry of this.after(partition, own.delivered, max - taken.length)) {
        own.delivered = entry.streamId
        lease(entry, own, 1)
      }
    }
    return taken
  }

  /** The entry leaves the group for its dead letters. */
  bury(own: Books, at: { partition: number; streamId: string }, why: { reason: string; nowMs: number }) {
    const entry = this.entry(at.partition, at.streamId)
    const deliveries = own.pending.get(at.streamId)?.deliveries ?? 0
    own.pending.delete(at.streamId)
    const streamId = `${why.nowMs}-${own.dead.length}`
    if (entry) own.dead.push({ streamId, entry, deliveries, reason: why.reason, deadAtMs: why.nowMs })
  }

  trim(nowMs: number): number {
    const { maxAgeMs, maxEvents, keepUntilSettled } = this.topic.retention
    if (keepUntilSettled && this.groups.size === 0) return 0
    const share = maxEvents === null ? Number.POSITIVE_INFINITY : Math.ceil(maxEvents / this.partitions.length)
    let removed = 0
    for (const [partition, here] of this.partitions.entries())
      for (let first = here.entries[0]; first; first = here.entries[0]) {
        const { streamId } = first
        const isOld = maxAgeMs !== null && Number(streamId.split('-')[0]) < nowMs - maxAgeMs
        const isWanted = [...this.groups.values()].some(({ books }) => isUnsettled(books[partition], streamId))
        if (isWanted || !(isOld || here.entries.length > share)) break
        here.entries.shift()
        here.trimmedTo = streamId
        removed++
      }
    return removed
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
