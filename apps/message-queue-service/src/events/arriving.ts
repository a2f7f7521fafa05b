import { parseJson } from '@santaclaude/service/body'
import { Fault } from '@santaclaude/service/faults'
import type { Incoming } from './cloudevent.ts'
import { elementsOf, memberOf } from './raw-json.ts'

/** The events of one request. `isBatch` says how the answer is written. */
export interface Arrived {
  isBatch: boolean
  incoming: Incoming[]
}

/** The most events one request may bring. */
const eventsMax = 10_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The media type of a request, without its parameters. */
export const mediaTypeOf = (headers: Headers) =>
  (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

/**
 * Reads a publish request in any of its forms, told apart by the content type: structured, batch, plain JSON (one
 * or an array), and binary mode, where the attributes are `ce-` headers and the body is the data.
 * Source: CloudEvents 1.0.2, HTTP protocol binding §3.
 */
export function readArrived(headers: Headers, bytes: Uint8Array): Arrived {
  const mediaType = mediaTypeOf(headers)
  switch (mediaType) {
    case 'application/cloudevents+json':
      return one(parseText(bytes), { isStrict: true })
    case 'application/cloudevents-batch+json':
      return many(parseText(bytes), { isStrict: true })
    default:
      if (headers.has('ce-specversion')) return binary(headers, mediaType, bytes)
  }
  if (mediaType !== 'application/json')
    throw new Fault('unsupported_media_type', {
      detail:
        'Events come as application/json, application/cloudevents+json, application/cloudevents-batch+json or application/x-ndjson, or in binary mode with ce- headers.',
    })
  const parsed = parseText(bytes)
  return Array.isArray(parsed.value) ? many(parsed, { isStrict: false }) : one(parsed, { isStrict: false })
}

interface Parsed {
  value: unknown
  text: string
}

const parseText = (bytes: Uint8Array): Parsed => ({ value: parseJson(bytes), text: utf8.decode(bytes) })

const one = ({ value, text }: Parsed, how: { isStrict: boolean }): Arrived => ({
  isBatch: false,
  incoming: [member(value, text, { path: '/body', ...how })],
})

function many({ value, text }: Parsed, how: { isStrict: boolean }): Arrived {
  if (!Array.isArray(value)) throw misfit('/body', 'must be an array of events')
  checkCount(value.length)
  const texts = elementsOf(text)
  const incoming = value.map((element, n) => member(element, texts[n] as string, { path: `/body/${n}`, ...how }))
  return { isBatch: true, incoming }
}

/** One event that stands alone, as a line of NDJSON. */
export function incomingOf(bytes: Uint8Array): Incoming {
  const { value, text } = parseText(bytes)
  return member(value, text, { path: '', isStrict: false })
}

function member(value: unknown, text: string, { path, isStrict }: { path: string; isStrict: boolean }): Incoming {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit(path, 'must be an object')
  const members = value as Record<string, unknown>
  if (isStrict && members.specversion === undefined) throw misfit(`${path}/specversion`, 'is missing')
  const dataJson = Object.hasOwn(members, 'data') ? memberOf(text, 'data') : undefined
  return dataJson === undefined ? { members, path } : { members, dataJson, path }
}

function binary(headers: Headers, mediaType: string, bytes: Uint8Array): Arrived {
  const members: Record<string, unknown> = {}
  headers.forEach((value, name) => {
    if (name.startsWith('ce-')) members[name.slice(3)] = percentDecoded(value)
  })
  const contentType = headers.get('content-type')
  if (contentType !== null) members.datacontenttype = contentType
  const incoming: Incoming = { members, path: '/headers' }
  if (bytes.length === 0) return { isBatch: false, incoming: [incoming] }
  if (mediaType === '' || /^application\/([\w.-]+\+)?json$/.test(mediaType)) {
    incoming.dataJson = parseText(bytes).text.trim()
  } else if (mediaType.startsWith('text/')) {
    incoming.dataJson = JSON.stringify(utf8Text(bytes))
  } else {
    members.data_base64 = Buffer.from(bytes).toString('base64')
  }
  return { isBatch: false, incoming: [incoming] }
}

/** Header values carry what is not printable ASCII as percent-encoded UTF-8 (HTTP binding §3.1.3.2). */
function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new Fault('malformed_request', { detail: 'The text is not valid UTF-8.', cause })
  }
}

function checkCount(count: number) {
  if (count === 0) throw misfit('/body', 'must hold at least one event')
  if (count > eventsMax) throw misfit('/body', `must hold at most ${eventsMax} events`)
}

const misfit = (path: string, message: string) =>
  new Fault('validation_failed', { detail: `${path} ${message}.`, errors: [{ path, message }] })
