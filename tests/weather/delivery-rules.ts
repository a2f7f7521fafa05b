import { comparePlaces, groupId, type History, partitionOfPlace } from './history.ts'
import {
  effectsOn,
  endOf,
  forgets,
  type GroupBook,
  groupBooks,
  type Handed,
  loses,
  publishesOf,
  struck,
} from './ledger.ts'

/** Redis counts in whole milliseconds. */
const tickMs = 2

const eachGroup = (history: History, rule: (book: GroupBook) => string[]) =>
  groupBooks(history).flatMap((book) => rule(book).map((text) => `${groupId(book)}: ${text}`))

/** S5: events of one key share a partition; an ordered group gets them in order, one at a time. */
export function keysKeepOrder(history: History): string[] {
  const keyOf = new Map<string, string>()
  const partitions = new Map<string, Set<number>>()
  for (const { tenant, topic, partitionkey, ids, results } of publishesOf(history)) {
    if (partitionkey === undefined) continue
    for (const [n, id] of ids.entries()) {
      const key = `${tenant}/${topic} key ${partitionkey}`
      keyOf.set(id, key)
      const place = results[n]?.place
      if (place) partitions.set(key, (partitions.get(key) ?? new Set()).add(partitionOfPlace(place)))
    }
  }
  const torn = [...partitions].filter(([, used]) => used.size > 1).map(([key]) => `${key} lies in several partitions`)
  const ordered = eachGroup(history, (book) => {
    if (book.ordering !== 'key') return []
    const byKey = Map.groupBy(
      book.handed.filter(({ id }) => keyOf.has(id)),
      ({ id }) => keyOf.get(id),
    )
    return [...byKey].flatMap(([key, handed]) => outOfOrder(history, book, handed).map((text) => `${key}: ${text}`))
  })
  return [...torn, ...ordered]
}

function outOfOrder(history: History, book: GroupBook, handed: Handed[]): string[] {
  const found: string[] = []
  const firsts = handed.filter(({ place }, n) => handed.findIndex((other) => other.place === place) === n)
  for (const early of firsts)
    for (const late of firsts)
      if (early.endMs < late.startMs && comparePlaces(early.place, late.place) > 0 && !hidden(history, book, late))
        found.push(`${late.id} came first after ${early.id}`)
  for (const one of handed)
    for (const other of handed)
      if (one.place !== other.place && one.endMs < other.startMs && isSurelyLeased(history, book, one, other.endMs))
        found.push(`${other.id} was handed out while ${one.id} was leased`)
  return found
}

/** Whether a pull whose answer nobody saw may have brought this place before. */
const hidden = (history: History, book: GroupBook, { n, endMs }: Handed) =>
  n > 1 ||
  struck(history, { fromMs: 0, toMs: endMs }, forgets) ||
  book.pulls.some(({ outcome }) => outcome === 'unknown')

/** Whether a delivery's lease cannot have ended by this moment. */
function isSurelyLeased(history: History, book: GroupBook, delivery: Handed, atMs: number): boolean {
  const touches = book.settledBy.get(delivery.receipt) ?? []
  if (touches.some(({ op, result, startMs }) => op !== 'extend' && result !== 'lost' && startMs <= atMs)) return false
  return (
    atMs < leaseEndMs(book, delivery, touches) && !struck(history, { fromMs: delivery.startMs, toMs: atMs }, forgets)
  )
}

/** The earliest moment at which the lease can end: it began no earlier than the pull was sent. */
function leaseEndMs(book: GroupBook, { startMs }: Handed, touches: { op: string; result: string; startMs: number }[]) {
  const renewed = touches.filter(({ op, result }) => op === 'extend' && result === 'ok').map((touch) => touch.startMs)
  return Math.max(startMs, ...renewed) + book.leaseMs
}

/** S6: at the end every event a group is owed is acked, terminated or dead, and the counts say the same. */
export function everythingIsSettledOnce(history: History): string[] {
  return eachGroup(history, (book) => {
    const { end } = book
    const entries = endOf(history, book)?.entries ?? []
    if (!end) return []
    const found: string[] = []
    const { ready, leased, parked, dead } = end.lag
    if (ready + leased + parked > 0) found.push(`not drained: ${JSON.stringify(end.lag)}`)
    if (dead !== end.deadLetters.length) found.push(`${dead} dead counted, ${end.deadLetters.length} listed`)
    const letters = new Set(end.deadLetters.map(({ place }) => place))
    for (const { id, place } of book.isSteady ? entries : [])
      if (!letters.has(place) && !effectsOn(book, place).some(({ op }) => op === 'ack'))
        found.push(`${id} at ${place} was never settled and is owed nothing more`)
    return found
  })
}

/** S7: at most `deliveriesMax` deliveries; again only after a nack or an ended lease; never after an accepted ack. */
export function duplicatesAreBounded(history: History): string[] {
  return eachGroup(history, (book) =>
    [...book.byPlace].flatMap(([place, handed]) => {
      const found: string[] = []
      const mayForget = struck(history, { fromMs: handed[0]?.startMs ?? 0, toMs: handed.at(-1)?.endMs ?? 0 }, forgets)
      const isRedriven = book.redrivenFromMs < Number.POSITIVE_INFINITY
      if (handed.length > book.deliveriesMax && !mayForget && !isRedriven)
        found.push(`${place} was delivered ${handed.length} times`)
      for (const { n } of handed) if (n > book.deliveriesMax) found.push(`${place} has delivery ${n}`)
      for (const [at, delivery] of handed.entries()) {
        const before = handed[at - 1]
        if (before && isTooEarly(history, book, before, delivery))
          found.push(`${place} was handed out again while delivery ${before.n} was leased or not due`)
        if (mayForget) continue
        const mayReturn = book.redrivenFromMs < delivery.endMs
        const acked = effectsOn(book, place).find(
          ({ op, result, endMs }) =>
            (op === 'ack' || (op === 'term' && !mayReturn)) && result !== 'unknown' && endMs < delivery.startMs,
        )
        if (acked) found.push(`${place} was delivered after ${acked.op} had been accepted`)
      }
      return found
    }),
  )
}

function isTooEarly(history: History, book: GroupBook, before: Handed, next: Handed): boolean {
  if (struck(history, { fromMs: before.startMs, toMs: next.endMs }, forgets)) return false
  const touches = book.settledBy.get(before.receipt) ?? []
  const mayHaveDied = touches.some(({ op, result }) => (op === 'term' || op === 'nack') && result !== 'lost')
  if (book.redrivenFromMs < next.endMs && mayHaveDied) return false
  const back = touches.filter(({ op, result }) => op === 'nack' && result !== 'lost')
  const seenMs = next.endMs + tickMs
  if (back.length > 0) return back.every(({ startMs, delayMs }) => seenMs < startMs + delayMs)
  return seenMs < leaseEndMs(book, before, touches)
}

/** S8: once a later delivery was seen, or the entry was settled, an earlier receipt does nothing. */
export function staleReceiptsDoNothing(history: History): string[] {
  return eachGroup(history, (book) =>
    [...book.byPlace].flatMap(([place, handed]) => {
      const found: string[] = []
      const receipts = Map.groupBy(handed, ({ receipt }) => receipt)
      for (const [receipt, own] of receipts) {
        const lastMs = own.at(-1)?.endMs ?? 0
        const accepted = (book.settledBy.get(receipt) ?? []).filter(
          ({ result }) => result === 'ok' || result === 'dead',
        )
        for (const { op, startMs } of accepted) {
          const later = handed.find(
            (other) => other.receipt !== receipt && other.startMs > lastMs && other.endMs < startMs,
          )
          if (later) found.push(`${op} of delivery ${own[0]?.n} of ${place} was accepted after delivery ${later.n}`)
        }
        const final = accepted.filter(({ op }) => op !== 'extend')
        const [first] = final
        if (
          final.length > 1 &&
          !struck(history, { fromMs: first?.startMs ?? 0, toMs: final.at(-1)?.endMs ?? 0 }, forgets)
        )
          found.push(`one receipt of ${place} was accepted ${final.length} times`)
        if (own.length > 1 && !struck(history, { fromMs: own[0]?.startMs ?? 0, toMs: lastMs }, forgets))
          found.push(`one receipt of ${place} was given out ${own.length} times`)
      }
      return found
    }),
  )
}

/** S9: dead = in the dead letters, once, and in the group no more. */
export function deadLettersAreExact(history: History): string[] {
  return eachGroup(history, (book) => {
    const { end } = book
    if (!end) return []
    const found: string[] = []
    const mayForget = struck(history, { fromMs: 0, toMs: Number.POSITIVE_INFINITY }, forgets)
    const letters = Map.groupBy(end.deadLetters, ({ place }) => place)
    for (const [place, same] of letters) {
      if (same.length > 1 && !mayForget) found.push(`${place} is ${same.length} times among the dead letters`)
      const acked = effectsOn(book, place).some(({ op, result }) => op === 'ack' && result === 'ok')
      if (acked && !mayForget) found.push(`${place} was acknowledged and is dead`)
    }
    for (const [place, handed] of book.byPlace) {
      const died = effectsOn(book, place).find(({ result }) => result === 'dead')
      const isExcused = struck(history, { fromMs: handed[0]?.startMs ?? 0, toMs: Number.POSITIVE_INFINITY }, loses)
      const isBack = died && book.redrivenFromMs < Number.POSITIVE_INFINITY
      if (died && book.isSteady && !letters.has(place) && !isExcused && !isBack)
        found.push(`${place} was said to be dead and is not among the dead letters`)
    }
    return found
  })
}
