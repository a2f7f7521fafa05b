import type { Redis } from 'ioredis'
import type { LogEvent, NewEvent } from './port.ts'
import { clockOf } from './redis-clock.ts'

/** The CloudEvents extension that says until when an event is worth anything. Source: CloudEvents extension "Expiry Time". */
const name = 'expirytime'

/** The event with its time to live as the time it ends, counted from when it becomes readable. */
export function withExpiry(event: NewEvent, readableAtMs: number): NewEvent {
  const { ttlMs, ...rest } = event
  if (ttlMs === undefined) return event
  return { ...rest, attributes: { ...rest.attributes, [name]: new Date(readableAtMs + ttlMs).toISOString() } }
}

/** When the event expires, in milliseconds of the Unix clock; undefined = never. Cheap for the many that never do. */
function expiryOf({ attributesJson }: LogEvent): number | undefined {
  if (!attributesJson.includes(`"${name}"`)) return undefined
  const { [name]: text } = JSON.parse(attributesJson) as Record<string, unknown>
  const atMs = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : atMs
}

export const isExpired = (event: LogEvent, nowMs: number) => (expiryOf(event) ?? Number.POSITIVE_INFINITY) <= nowMs

/** Those of the things whose time has not run out, by the clock of Redis. It is only asked when one has an end at all. */
export async function living<Thing>(
  redis: Redis,
  things: Thing[],
  eventOf: (thing: Thing) => LogEvent,
): Promise<Thing[]> {
  if (things.every((thing) => expiryOf(eventOf(thing)) === undefined)) return things
  const nowMs = await clockOf(redis).now()
  return things.filter((thing) => !isExpired(eventOf(thing), nowMs))
}
