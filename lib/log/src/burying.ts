import { compareIds, msOf } from './cursor.ts'
import { compileFilter, type Fits } from './filter.ts'
import type { DeadLetter, NewEvent } from './port.ts'
import type { DeadFilter, DeadPage, DeadPlace, DeadWish } from './repair.ts'

/** What one look at a partition's dead letters found, and where it stopped; no `reached` = it came to the end. */
export interface DeadLook {
  letters: DeadLetter[]
  reached?: DeadPlace
}

export const deadPlace = ({ entry, streamId }: DeadLetter): DeadPlace => ({ partition: entry.partition, streamId })

/** Below 0 when `a` comes before `b` in a list of this order. */
export function compareDead(a: DeadPlace, b: DeadPlace, order: DeadWish['order'] = 'newest'): number {
  const byTime = compareIds(a.streamId, b.streamId)
  return (order === 'newest' ? -byTime : byTime) || a.partition - b.partition
}

/** Judges a dead letter. Throws a FilterError. */
export function deadFits({ filter, reason, sinceMs = 0, untilMs = Infinity }: DeadFilter) {
  const fits: Fits = filter ? compileFilter(filter) : () => true
  return (letter: DeadLetter) =>
    (reason === undefined || letter.reason.includes(reason)) &&
    msOf(letter.streamId) >= sinceMs &&
    msOf(letter.streamId) < untilMs &&
    fits(letter.entry.event)
}

/**
 * One page from looks at every partition. Behind the place where some look stopped early nothing is certain, so the
 * page ends there at the latest.
 */
export function joinLooks(looks: DeadLook[], { limit, order = 'newest' }: DeadWish): DeadPage {
  const compare = (a: DeadPlace, b: DeadPlace) => compareDead(a, b, order)
  const stops = looks.flatMap(({ reached }) => (reached ? [reached] : []))
  const horizon = stops.sort(compare)[0]
  const letters = looks
    .flatMap((look) => look.letters)
    .filter((letter) => !horizon || compare(deadPlace(letter), horizon) <= 0)
    .sort((a, b) => compare(deadPlace(a), deadPlace(b)))
  const page = letters.slice(0, limit)
  const last = page.at(-1)
  if (last && letters.length > limit) return { letters: page, next: deadPlace(last) }
  return horizon ? { letters: page, next: horizon } : { letters: page }
}

/** A dead letter as the event it becomes in a topic, or for one group alone where retention has removed its entry. */
export function movedEvent({ entry }: DeadLetter, topic: string | undefined, group?: string): NewEvent {
  const { attributesJson, ...event } = entry.event
  const { mqgroup: _group, ...attributes } = JSON.parse(attributesJson) as Record<string, string>
  return {
    ...event,
    attributes: {
      mqoriginalid: entry.streamId,
      ...(topic === undefined ? {} : { mqoriginaltopic: topic }),
      ...attributes,
      ...(group === undefined ? {} : { mqgroup: group }),
    },
  }
}
