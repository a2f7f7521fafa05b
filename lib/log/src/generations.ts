import type { Place } from './cursor.ts'
import { ORIGIN } from './cursor.ts'
import { partitionOf } from './names.ts'
import { LogError, type NewEvent, type Topic } from './port.ts'

/**
 * How a topic grows: the partitions it has are sealed and a new generation takes the events from then on, so a key's
 * partition is a matter of its generation. Order survives because nobody is given an event of a generation before the
 * partitions it may follow from the generation before have been handed out.
 */
type Grown = Pick<Topic, 'generations'>

/** The most partitions a topic may have in all its generations: a cursor has a place for each. */
export const PARTITIONS_MAX = 256

/** How many partitions take events now. */
export const widthOf = ({ generations }: Grown) => generations.at(-1) ?? 1

/** The first partition of a generation; asked for every event. */
function firstOf(generations: number[], generation: number): number {
  let first = 0
  for (let at = 0; at < generation; at++) first += generations[at] ?? 0
  return first
}

/** The partitions of one generation; the newest unless said. */
export function partitionsOf({ generations }: Grown, generation = generations.length - 1): number[] {
  const first = firstOf(generations, generation)
  return Array.from({ length: generations[generation] ?? 0 }, (_, n) => first + n)
}

/** One of the partitions that take events now; each in turn. */
export const placeOfTurn = ({ generations }: Grown, turn: number) =>
  firstOf(generations, generations.length - 1) + (turn % widthOf({ generations }))

/** The partition that takes the events of a key now. */
export const placeOfKey = ({ generations }: Grown, key: string) => placeIn(generations, generations.length - 1, key)

/** Where an event must lie; undefined = anywhere among {@link partitionsOf}. */
export function ownPartition(topic: Grown, event: NewEvent): number | undefined {
  const key = event.partitionkey ?? event.idempotency?.key
  if (key !== undefined) return placeOfKey(topic, key)
  return widthOf(topic) === 1 ? partitionsOf(topic)[0] : undefined
}

/** Where the events of a key lay in each generation before. */
export const formerPlaces = ({ generations }: Grown, key: string) =>
  generations.slice(0, -1).map((_, generation) => placeIn(generations, generation, key))

const placeIn = (generations: number[], generation: number, key: string) =>
  firstOf(generations, generation) + partitionOf(key, generations[generation] ?? 1)

/**
 * The partitions of the generation before that hold keys of this one: a hash that leaves n modulo the new count left
 * something equal to n, modulo what both counts share as a divisor, modulo the old one.
 */
export function before({ generations }: Grown, partition: number): number[] {
  const generation = generationOf(generations, partition)
  if (generation === 0) return []
  const [old, now] = [generations[generation - 1] ?? 1, generations[generation] ?? 1]
  const shared = divisor(old, now)
  const n = partition - firstOf(generations, generation)
  return partitionsOf({ generations }, generation - 1).filter((_, at) => at % shared === n % shared)
}

export function generationOf(generations: number[], partition: number): number {
  let generation = 0
  for (let end = generations[0] ?? 1; end <= partition && generation < generations.length - 1; )
    end += generations[++generation] ?? 0
  return generation
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/** Places that may be of a time when the topic was smaller, with the start of each partition that came since. */
export function placesNow({ generations }: Grown, places: Place[]): Place[] {
  const ends = generations.map((_, generation) => firstOf(generations, generation + 1))
  const all = ends.at(-1) ?? 1
  if (!ends.includes(places.length)) throw new LogError('bad_cursor', 'This cursor belongs to another topic.')
  return [...places, ...Array.from({ length: all - places.length }, () => ({ epoch: '', streamId: ORIGIN }))]
}

/** The generations after one more with `wanted` partitions. Throws `conflict` where a topic cannot go. */
export function grownBy({ generations }: Grown, wanted: number): number[] {
  const width = widthOf({ generations })
  if (wanted < width)
    throw new LogError('conflict', `The topic has ${width} partitions, and there can only be more, never fewer.`)
  const next = [...generations, wanted]
  if (firstOf(next, next.length) > PARTITIONS_MAX)
    throw new LogError('conflict', `With those before there would be more than ${PARTITIONS_MAX} partitions.`)
  return next
}
