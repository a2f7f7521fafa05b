import { type Clock, systemClock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import {
  compareIds,
  decodeCursor,
  decodeReceipt,
  deliveryOf,
  encodeCursor,
  idBefore,
  msOf,
  ORIGIN,
  type Place,
  type Receipt,
} from './cursor.ts'
import { packEvent } from './event.ts'
import { withExpiry } from './expiring.ts'
import { ownPartition, placeOfTurn, placesNow } from './generations.ts'
import { memoryInsight } from './memory-insight.ts'
import { memoryRepair } from './memory-repair.ts'
import { type Books, MemoryTopic } from './memory-topic.ts'
import { checkNames } from './names.ts'
import {
  type Durability,
  type EventLog,
  type GroupAddress,
  LogError,
  type NewEvent,
  type Settled,
  type Settlement,
  type Start,
  type Sweep,
  type TailItem,
  type TopicAddress,
} from './port.ts'
import { backoffAfter, changed, EVENT_BYTES_MAX, groupChanged, groupDefaults, topicDefaults } from './settings.ts'
import { checkWhole } from './whole.ts'

/** An event log in this process's memory, for unit tests: the same promises, none of the durability. */
export function memoryLog({ clock = systemClock }: { clock?: Clock } = {}): EventLog {
  const topics = new Map<string, MemoryTopic>()
  const waiting = new Set<() => void>()
  let turn = 0

  const idOf = ({ tenant, topic }: TopicAddress) => `${tenant}/${topic}`
  const ring = () => {
    for (const wake of waiting) wake()
  }
  const need = (address: TopicAddress) => {
    const found = topics.get(idOf(address))
    if (!found) throw new LogError('topic_not_found', `There is no topic '${address.topic}'.`)
    return found
  }
  const needGroup = (address: GroupAddress) => {
    const found = topics.get(idOf(address))?.groups.get(address.group)
    if (!found) throw new LogError('group_not_found', `There is no group '${address.group}'.`)
    return found
  }
  const placesOf = (topic: MemoryTopic, start: Start): Place[] => {
    if (!('cursor' in start)) return topic.places(start)
    const places = decodeCursor(start.cursor)
    return placesNow(topic.topic, places)
  }

  const wholePlaces = (topic: MemoryTopic, start: Start): Place[] => {
    const places = placesOf(topic, start)
    for (const [partition, { epoch, streamId }] of 'cursor' in start ? places.entries() : []) {
      const here = topic.partitions[partition]
      if (streamId !== ORIGIN && here?.epoch !== epoch) throw new LogError('epoch_changed', 'The topic was made anew.')
      if (compareIds(streamId, here?.trimmedTo ?? ORIGIN) < 0)
        throw new LogError('cursor_expired', 'Retention has removed what lay at this cursor.')
    }
    return places
  }

  /** Resolves at the next change, and after `waitMs` at the latest. */
  const change = async (waitMs: number, signal?: AbortSignal) => {
    const heard = new AbortController()
    const wake = () => heard.abort()
    waiting.add(wake)
    await pause(waitMs, signal ? AbortSignal.any([signal, heard.signal]) : heard.signal)
    waiting.delete(wake)
  }

  async function* tail(address: TopicAddress, from: Start, signal: AbortSignal): AsyncGenerator<TailItem> {
    const topic = need(address)
    let places = placesOf(topic, from)
    yield { kind: 'ready', cursor: encodeCursor(places) }
    while (!signal.aborted) {
      places = placesNow(topic.topic, places)
      const page = topic.page(places, 256, clock.now())
      for (const gap of page.gaps) yield { kind: 'gap', gap, cursor: encodeCursor(page.places) }
      for (const entry of page.entries) {
        const { partition, streamId } = entry
        places = places.map((place, at) => (at === partition ? { ...place, streamId } : place))
        yield { kind: 'entry', entry, cursor: encodeCursor(places) }
      }
      places = page.places
      if (page.isEnd && page.entries.length === 0) await change(50, signal)
    }
  }

  const settleOne = (address: GroupAddress, settlement: Settlement): Settled => {
    const { group, books } = needGroup(address)
    const refused = { receipt: settlement.receipt, ok: false } as const
    const receipt = decodeReceipt(settlement.receipt)
    if (!receipt) return { ...refused, code: 'bad_receipt' }
    const { partition, streamId, deliveries } = receipt
    const own: Books | undefined = books[partition]
    const held = heldBy(books, receipt)
    if (!own || !held) return { ...refused, code: 'lease_lost' }
    const nowMs = clock.now()
    const bury = (reason: string) => need(address).bury(own, { partition, streamId }, { reason, nowMs })
    const isLast = settlement.op === 'nack' && deliveryOf(deliveries) >= group.deliveriesMax
    const isDead = settlement.op === 'term' || isLast
    if (isDead) bury(settlement.reason ?? (isLast ? 'too many deliveries' : 'terminated'))
    else if (settlement.op === 'ack') own.pending.delete(streamId)
    else if (settlement.op === 'extend')
      own.pending.set(streamId, { ...held, leasedAtMs: nowMs, leaseMs: settlement.leaseMs ?? group.leaseMs })
    else if (settlement.op === 'release') own.pending.set(streamId, { deliveries: deliveries - 1, dueAtMs: nowMs })
    else if (settlement.op === 'nack')
      own.pending.set(streamId, {
        deliveries,
        dueAtMs: nowMs + (settlement.delayMs ?? backoffAfter(group, deliveryOf(deliveries))),
      })
    return { receipt: settlement.receipt, ok: true, isDead }
  }

  const log: EventLog = {
    createTopic: async (address, settings = {}) => {
      checkNames(address)
      const known = topics.get(idOf(address))
      if (known) return { ...known.topic, isNew: false }
      const { tenant, topic } = address
      const wanted = changed(topicDefaults, settings)
      const made = { tenant, topic, ...wanted, createdAtMs: clock.now(), generations: [wanted.partitions] }
      topics.set(idOf(address), new MemoryTopic(made))
      return { ...made, isNew: true }
    },
    changeTopic: async (address, settings) => {
      const known = topics.get(idOf(address))
      if (!known) return undefined
      known.topic = { ...known.topic, ...changed(known.topic, settings), partitions: known.topic.partitions }
      if (settings.partitions !== undefined) known.grow(settings.partitions)
      ring()
      return known.topic
    },
    topic: async (address) => topics.get(idOf(address))?.topic,
    topics: async (tenant) =>
      [...topics.values()]
        .map(({ topic }) => topic)
        .filter((topic) => topic.tenant === tenant)
        .sort((a, b) => (a.topic < b.topic ? -1 : 1)),
    deleteTopic: async (address) => topics.delete(idOf(address)),
    size: async (address) => need(address).partitions.reduce((sum, { entries }) => sum + entries.length, 0),

    append: async (address, events, { create = false, durability = {}, isAtomic, expectedLastId } = {}) => {
      if (create && !topics.has(idOf(address))) await log.createTopic(address, create === true ? {} : create)
      const topic = need(address)
      for (const event of events) checkSize(event)
      checkWish(durability)
      const common = placeOfTurn(topic.topic, turn++)
      const own = events.map((event) => ownPartition(topic.topic, event))
      const nowMs = clock.now()
      if (isAtomic || expectedLastId !== undefined) {
        checkWhole(own, events.length)
        topic.checkAll(own[0] ?? 0, events, { nowMs, ...(expectedLastId === undefined ? {} : { expectedLastId }) })
      }
      const outcomes = events.map((event, n) => topic.append(own[n] ?? common, withExpiry(event, nowMs), nowMs))
      ring()
      return outcomes
    },
    appendLater: async (address, events, { due, create = false, durability = {} }) => {
      if (create && !topics.has(idOf(address))) await log.createTopic(address, create === true ? {} : create)
      const topic = need(address)
      for (const event of events) checkSize(event)
      checkWish(durability)
      const common = placeOfTurn(topic.topic, turn++)
      const nowMs = clock.now()
      const dueAtMs = 'atMs' in due ? Math.max(nowMs, due.atMs) : nowMs + due.delayMs
      return events.map((event) =>
        topic.delay(ownPartition(topic.topic, event) ?? common, withExpiry(event, dueAtMs), { dueAtMs, nowMs }),
      )
    },
    delayed: async (address) => need(address).partitions.reduce((sum, { delayed }) => sum + delayed.length, 0),
    promote: async ({ waitMs, signal }) => {
      const endMs = performance.now() + waitMs
      for (;;) {
        const moved = [...topics.values()].reduce((sum, topic) => sum + topic.promote(clock.now()), 0)
        if (moved > 0) ring()
        const leftMs = endMs - performance.now()
        if (moved > 0 || leftMs <= 0 || signal?.aborted) return moved
        await change(Math.min(leftMs, 20), signal)
      }
    },
    read: async (address, { from, limit }) => {
      const topic = need(address)
      const { places, ...page } = topic.page(placesOf(topic, from), limit, clock.now())
      return { ...page, cursor: encodeCursor(places) }
    },
    readPartition: async (address, { partition, after, limit }) => {
      const topic = need(address)
      const { epoch, trimmedTo } = topic.partitions[partition] ?? { epoch: '', trimmedTo: '0-0' }
      return { entries: topic.after(partition, after, limit), epoch, trimmedTo }
    },
    tail: (address, { from, signal }) => tail(address, from, signal),
    changed: (_address, { waitMs, signal }) => change(waitMs, signal),

    putGroup: async (address, { start = { at: 'earliest' } as const, ...settings } = {}) => {
      checkNames(address)
      const topic = need(address)
      const known = topic.groups.get(address.group)
      const wanted = groupChanged(known?.group ?? groupDefaults, settings, { isNew: !known })
      if (known) {
        ring()
        return { ...Object.assign(known.group, wanted), isNew: false }
      }
      const { tenant, topic: name, group } = address
      const made = { tenant, topic: name, group, ...wanted, createdAtMs: clock.now() }
      topic.open(made, wholePlaces(topic, start))
      return { ...made, isNew: true }
    },
    group: async (address) => topics.get(idOf(address))?.groups.get(address.group)?.group,
    groups: async (address) =>
      [...(topics.get(idOf(address))?.groups.values() ?? [])]
        .map(({ group }) => group)
        .sort((a, b) => (a.group < b.group ? -1 : 1)),
    deleteGroup: async (address) => topics.get(idOf(address))?.groups.delete(address.group) ?? false,
    pull: async (address, wanted) => {
      const { waitMs, signal } = wanted
      const endMs = performance.now() + waitMs
      for (;;) {
        if (signal?.aborted) return []
        const taken = need(address).take(needGroup(address), wanted, clock.now())
        const leftMs = endMs - performance.now()
        if (taken.length > 0 || leftMs <= 0) return taken
        await change(Math.min(leftMs, 20), signal)
      }
    },
    settle: async (address, settlements) => {
      needGroup(address)
      const settled = settlements.map((settlement) => settleOne(address, settlement))
      ring()
      return settled
    },
    checkpoint: async (address, { partition, streamId }) => {
      const own = needGroup(address).books[partition]
      if (own) own.delivered = streamId
    },
    holds: async (address, receipts) => {
      const { books } = needGroup(address)
      return receipts.map((text) => heldBy(books, decodeReceipt(text)) !== undefined)
    },
    seek: async (address, to) => {
      const topic = need(address)
      const { books } = needGroup(address)
      if ('partition' in to && !topic.partitions[to.partition])
        throw new LogError('bad_cursor', 'There is no such place.')
      const places =
        'partition' in to
          ? [{ partition: to.partition, after: idBefore(to.streamId) }]
          : wholePlaces(topic, to).map(({ streamId }, partition) => ({ partition, after: streamId }))
      topic.move(books, places)
      ring()
    },
    lag: async (address) => {
      const { books } = needGroup(address)
      const topic = need(address)
      const ready = books.flatMap(({ delivered }, partition) => topic.after(partition, delivered, Infinity))
      const pending = books.flatMap((own) => [...own.pending])
      const ids = [...ready.map(({ streamId }) => streamId), ...pending.map(([streamId]) => streamId)]
      return {
        ready: ready.length,
        leased: pending.filter(([, { leasedAtMs }]) => leasedAtMs !== undefined).length,
        parked: pending.filter(([, { leasedAtMs }]) => leasedAtMs === undefined).length,
        dead: books.reduce((sum, { dead }) => sum + dead.length, 0),
        filtered: books.reduce((sum, { filtered }) => sum + filtered, 0),
        expired: books.reduce((sum, { expired }) => sum + expired, 0),
        oldestUnsettledMs: ids.length === 0 ? 0 : Math.max(0, clock.now() - Math.min(...ids.map(msOf))),
      }
    },
    ...memoryInsight({ clock, need, needGroup }),
    ...memoryRepair({ clock, need, needGroup, ring }),
    sweep: async () => {
      const report: Sweep = {
        isOwner: true,
        expired: 0,
        dead: 0,
        trimmed: 0,
        dropped: 0,
        lost: 0,
        unbalanced: 0,
        troubles: [],
      }
      const nowMs = clock.now()
      for (const topic of topics.values()) {
        for (const { group, books } of topic.groups.values())
          for (const [partition, own] of books.entries())
            for (const [streamId, { leasedAtMs, leaseMs = group.leaseMs, deliveries }] of [...own.pending]) {
              if (leasedAtMs === undefined || nowMs - leasedAtMs < leaseMs) continue
              report.expired++
              if (deliveryOf(deliveries) < group.deliveriesMax) {
                own.pending.set(streamId, { deliveries, dueAtMs: nowMs + backoffAfter(group, deliveryOf(deliveries)) })
              } else {
                report.dead++
                const { tenant, topic: name } = group
                report.troubles.push({ group: { tenant, topic: name, group: group.group }, dead: 1, lost: 0 })
                topic.bury(own, { partition, streamId }, { reason: 'lease expired', nowMs })
              }
            }
        const { removed, dropped } = topic.trim(nowMs)
        report.trimmed += removed
        report.dropped += dropped
      }
      ring()
      return report
    },
    ping: async () => {},
    close: async () => ring(),
  }
  return log
}

function checkWish({ level = 'memory', replicas = 0 }: Partial<Durability>) {
  if (level !== 'memory' || replicas > 0) throw new LogError('durability_unavailable', 'This log is in memory.')
}

/** What a receipt names, while its lease is live. */
function heldBy(books: Books[], receipt: Receipt | undefined) {
  const own = receipt && books[receipt.partition]
  const held = own?.nonce === receipt?.nonce ? own?.pending.get(receipt?.streamId ?? '') : undefined
  return held?.leasedAtMs !== undefined && held.deliveries === receipt?.deliveries ? held : undefined
}

function checkSize(event: NewEvent) {
  const bytes = packEvent(event).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > EVENT_BYTES_MAX)
    throw new LogError('event_too_large', `An event may have ${EVENT_BYTES_MAX} bytes; this one has ${bytes}.`)
}
