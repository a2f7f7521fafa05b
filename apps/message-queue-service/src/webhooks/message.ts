import { structuredEvent } from '@santaclaude/log/event'
import type { LogEvent } from '@santaclaude/log/port'

/** `structured`: the whole CloudEvent is the body. `binary`: the data is the body, the attributes are `ce-` headers. */
export const bodyModes = ['structured', 'binary'] as const
export type BodyMode = (typeof bodyModes)[number]

export interface Message {
  headers: Record<string, string>
  body: Uint8Array
}

/**
 * An event as the request that carries it; the trace it belongs to goes on in `traceparent`. Source: CloudEvents 1.0.2,
 * HTTP protocol binding §3.1 and §3.2, and its distributed tracing extension.
 */
export function messageOf(event: LogEvent, mode: BodyMode): Message {
  const { headers, body } = plainMessage(event, mode)
  const [, traceparent] = traceparentForm.exec(event.attributesJson) ?? []
  return { headers: { ...headers, ...(traceparent && { traceparent }) }, body }
}

const traceparentForm = /"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"/

function plainMessage(event: LogEvent, mode: BodyMode): Message {
  if (mode === 'structured')
    return {
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
      body: Buffer.from(structuredEvent(event)),
    }
  const { datacontenttype, data_base64, ...more } = JSON.parse(event.attributesJson) as Record<string, unknown>
  const attributes = { specversion: '1.0', id: event.id, source: event.source, type: event.type, ...more }
  const headers = Object.entries({ ...attributes, ...(event.partitionkey && { partitionkey: event.partitionkey }) })
    .filter(([name]) => /^[a-z0-9]+$/.test(name))
    .map(([name, value]) => [`ce-${name}`, headerValue(String(value))])
  const contentType = typeof datacontenttype === 'string' ? datacontenttype : undefined
  const body = dataOf(event, { contentType, data_base64 })
  return {
    headers: {
      ...Object.fromEntries(headers),
      ...(body && { 'content-type': headerValue(contentType ?? 'application/json', / /g) }),
    },
    body: body ?? new Uint8Array(),
  }
}

interface About {
  contentType: string | undefined
  data_base64: unknown
}

function dataOf({ dataJson }: LogEvent, { contentType, data_base64 }: About): Uint8Array | undefined {
  if (typeof data_base64 === 'string') return Buffer.from(data_base64, 'base64')
  if (dataJson === undefined) return undefined
  // In the JSON format, data of another media type travels as a JSON text; the text itself is the content.
  const isText = contentType !== undefined && !/[/+]json\b/i.test(contentType) && dataJson.startsWith('"')
  return Buffer.from(isText ? (JSON.parse(dataJson) as string) : dataJson)
}

/** Percent-encodes what a header may not carry (HTTP protocol binding §3.1.3.2); `but` names characters that may stay. */
function headerValue(text: string, but?: RegExp): string {
  return text
    .toWellFormed()
    .replace(/[^\x21-\x7e]|["%]/gu, (char) => (but?.test(char) ? char : encodeURIComponent(char)))
}
