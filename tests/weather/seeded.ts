/** Numbers that a seed decides. Source: mulberry32 by Tommy Ettinger (public domain). */
export interface Seeded {
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number
  between(low: number, high: number): number
  chance(share: number): boolean
  pick<T>(things: readonly T[]): T
  /** A stream of its own, so that what one actor draws does not depend on how far another one got. */
  split(name: string): Seeded
}

export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (share) => next() < share,
    pick: <T>(things: readonly T[]) => things[below(things.length)] as T,
    split: (name) => seeded([...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x01000193), seed)),
  }
}
