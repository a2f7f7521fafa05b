import { type Fault, groupId, type History, topicId } from './history.ts'
import { effectsOn, forgets, type GroupBook, groupBooks, type Handed, loses, publishesOf, struck } from './ledger.ts'

/** How long things may take on a machine of their own, in milliseconds; `slack` multiplies them on a shared one. */
export interface Bounds {
  /** L1: work is there and somebody waits. */
  deliveryMs: number
  /** L2, L3: past the end of a lease or of a delay. */
  redeliveryMs: number
  /** L4: from Redis's return to /ready. */
  readyMs: number
  /** After a fault has ended, nothing is asked of L1 to L3 for so long. */
  graceMs: number
}

export const bounds = (slack = 1): Bounds => ({
  deliveryMs: 1_000 * slack,
  redeliveryMs: 1_000 * slack,
  readyMs: 3_000 * slack,
  graceMs: 10_000,
})

const any = (_: Fault) => true

/** Whether no fault, and nobody's lost answer, can explain that this group was given nothing. */
function isCalm(history: History, book: GroupBook, span: { fromMs: number; toMs: number }, { graceMs }: Bounds) {
  const wide = { fromMs: span.fromMs - graceMs, toMs: span.toMs }
  if (struck(history, wide, any) || struck(history, { fromMs: 0, toMs: span.toMs }, forgets)) return false
  return !book.pulls.some(
    ({ outcome, startMs, endMs }) =>
      outcome === 'unknown' && startMs <= span.toMs && endMs + book.leaseMs + graceMs >= span.fromMs,
  )
}

const eachGroup = (history: History, rule: (book: GroupBook) => string[]) =>
  groupBooks(history).flatMap((book) => rule(book).map((text) => `${groupId(book)}: ${text}`))

/** The waits of a group that ended with nothing. */
const vainWaits = (book: GroupBook) =>
  book.pulls.filter(({ outcome, deliveries, waitMs }) => outcome === 'ok' && deliveries.length === 0 && waitMs > 0)

/** L1: nobody waits longer than a second for an event that is ready. */
export function readyWorkIsDelivered(history: History, limits: Bounds): string[] {
  return eachGroup(history, (book) => {
    if (!book.isSteady) return []
    const ready = publishesOf(history, book).flatMap((publish) =>
      publish.results.map(({ place }) => ({ place, endMs: publish.endMs })),
    )
    return vainWaits(book).flatMap((wait) =>
      ready
        .filter(({ place, endMs }) => {
          const fromMs = Math.max(wait.startMs, endMs)
          if (wait.endMs - fromMs < limits.deliveryMs) return false
          const first = book.byPlace.get(place)?.[0]
          return (
            (!first || first.startMs > wait.endMs) && isCalm(history, book, { fromMs: endMs, toMs: wait.endMs }, limits)
          )
        })
        .map(
          ({ place }) =>
            `${place} was ready, and a wait of ${Math.round(wait.endMs - wait.startMs)} ms ended with nothing`,
        ),
    )
  })
}

/** L2 and L3: an expired lease is delivered again, and so is what was given back once it is due. */
export function expiredLeasesComeBack(history: History, limits: Bounds): string[] {
  return redeliveries(history, limits, (book, delivery) => {
    const touches = effectsOn(book, delivery.place).filter(({ receipt }) => receipt === delivery.receipt)
    if (touches.some(({ op }) => op !== 'extend')) return undefined
    return Math.max(delivery.endMs, ...touches.map(({ endMs }) => endMs)) + book.leaseMs
  })
}

/** L3: an event that was published or given back with a delay comes when that is over, and not before. */
export function delayedEventsComeWhenDue(history: History, limits: Bounds): string[] {
  const due = new Map<string, number>()
  for (const { ids, startMs, delayMs } of publishesOf(history))
    if (delayMs !== undefined) for (const id of ids) due.set(id, Math.min(startMs + delayMs, due.get(id) ?? Infinity))
  const early = history.acts.flatMap((act) => {
    const seen = act.kind === 'pull' ? act.deliveries : act.kind === 'frame' && act.entry ? [act.entry] : []
    return seen.filter(({ id }) => act.endMs + 2 < (due.get(id) ?? 0)).map(({ id }) => `${id} came before it was due`)
  })
  return [...early, ...lateReturns(history, limits)]
}

function lateReturns(history: History, limits: Bounds): string[] {
  return redeliveries(history, limits, (book, delivery) => {
    const back = (book.settledBy.get(delivery.receipt) ?? []).find(({ op, result }) => op === 'nack' && result === 'ok')
    return back && back.endMs + back.delayMs
  })
}

function redeliveries(
  history: History,
  limits: Bounds,
  dueMsOf: (book: GroupBook, delivery: Handed) => number | undefined,
): string[] {
  return eachGroup(history, (book) =>
    [...book.byPlace].flatMap(([place, handed]) => {
      const delivery = handed.at(-1)
      const dueMs = delivery && delivery.n < book.deliveriesMax ? dueMsOf(book, delivery) : undefined
      if (!delivery || dueMs === undefined || struck(history, { fromMs: 0, toMs: dueMs }, loses)) return []
      return vainWaits(book)
        .filter(({ startMs, endMs }) => endMs - Math.max(startMs, dueMs) >= limits.redeliveryMs)
        .filter(({ endMs }) => isCalm(history, book, { fromMs: delivery.startMs, toMs: endMs }, limits))
        .slice(0, 1)
        .map(({ endMs }) => `${place} was due and not delivered for ${Math.round(endMs - dueMs)} ms`)
    }),
  )
}

/** L4: once Redis is back the service is ready by itself. */
export const serviceComesBack = (history: History, limits: Bounds): string[] =>
  history.acts.flatMap((act) =>
    act.kind === 'recovery' && act.endMs - act.startMs > limits.readyMs
      ? [`ready ${Math.round(act.endMs - act.startMs)} ms after ${act.after}`]
      : [],
  )

/** L5: a service that stops as asked strands no lease: no delivery is counted that nobody was given. */
export function nothingIsStranded(history: History): string[] {
  return eachGroup(history, (book) => {
    if (history.faults.some((fault) => fault.strands || forgets(fault))) return []
    if (book.pulls.some(({ outcome }) => outcome !== 'ok')) return []
    return [...book.byPlace].flatMap(([place, handed]) =>
      handed.flatMap(({ n }, at) =>
        n > at + 1 ? [`${topicId(book)} ${place}: delivery ${n} is only the ${at + 1}. that anybody saw`] : [],
      ),
    )
  })
}
