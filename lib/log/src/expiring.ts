import type { LogEvent, NewEvent } from './port.ts'

/** The CloudEvents extension that says until when an event is worth anything. Source: CloudEvents extension "Expiry Time". */
const name = 'expirytime'

/** The event with its time to live as the time it ends, counted from when it becomes readable. */
export function withExpiry(event: NewEvent, readableAtMs: number): NewEvent {
  const { ttlMs, ...rest } = event
  if (ttlMs === undefined) return event
  return { ...rest, attributes: { ...rest.attributes, [name]: new Date(readableAtMs + ttlMs).toISOString() } }
}

/** When the event expires, in milliseconds of the Unix clock; undefined = never. Cheap for the many that never do. */
export function expiryOf({ attributesJson }: LogEvent): number | undefined {
  if (!attributesJson.includes(`"${name}"`)) return undefined
  const { [name]: text } = JSON.parse(attributesJson) as Record<string, unknown>
  const atMs = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : atMs
}
