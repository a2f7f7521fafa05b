import { createHash } from 'node:crypto'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { NewEvent } from '@santaclaude/log/port'
import type { FieldError } from '@santaclaude/service/faults'

/** An event as it came in: its members, and its data still as JSON text. */
export interface Incoming {
  members: Record<string, unknown>
  dataJson?: string
  /** Where it stood in the request, as a JSON pointer. */
  path: string
}

export interface Arrival {
  tenant: string
  keyId: string
  traceparent: string
  /** The request's Idempotency-Key, made unique within it. */
  idempotencyKey?: string
  nowMs: number
}

interface Rule {
  lengthMax: number
  form?: RegExp
  said: string
}

const words = (lengthMax: number): Rule => ({ lengthMax, said: `must be a text of 1 to ${lengthMax} characters` })
const rules: Record<string, Rule> = {
  id: words(256),
  source: words(2_048),
  type: words(256),
  subject: words(1_024),
  partitionkey: words(256),
  time: {
    lengthMax: 64,
    form: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i,
    said: 'must be a time as RFC 3339 writes it',
  },
  traceparent: { lengthMax: 55, form: /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/, said: 'must be a W3C traceparent' },
}
const attributeName = /^[a-z0-9]{1,20}$/
const attributesMax = 32
const textMax = 4_096
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what CloudEvents forbids in a text.
const control = /[\u0000-\u001f\u007f-\u009f]/

/**
 * A CloudEvent (or the shorthand `{type, data}`) as the log takes it, or what is wrong with it. What the caller left out
 * is filled in: id, source, time, trace, and always the tenant.
 * Source: CloudEvents 1.0.2 §3, and its JSON format §2-3.
 */
export function toNewEvent({ members, dataJson, path }: Incoming, arrival: Arrival): NewEvent | FieldError[] {
  const given = Object.fromEntries(Object.entries(members).filter(([name, value]) => name !== 'data' && value !== null))
  const errors = misfits(given, { arrival, hasData: dataJson !== undefined })
  if (errors.length > 0) return errors.map((error) => ({ ...error, path: `${path}${error.path}` }))
  const { specversion: _version, id, source, type, partitionkey, tenant: _tenant, ...more } = given
  const event: NewEvent = {
    id: (id as string | undefined) ?? uuidv7(),
    source: (source as string | undefined) ?? `urn:santaclaude:key:${arrival.keyId}`,
    type: type as string,
    attributes: {
      time: isoOf(arrival.nowMs),
      traceparent: arrival.traceparent,
      ...(more as Record<string, string | number | boolean>),
      tenant: arrival.tenant,
    },
    ...(partitionkey === undefined ? {} : { partitionkey: partitionkey as string }),
    ...(dataJson === undefined ? {} : { dataJson }),
  }
  const key = arrival.idempotencyKey === undefined ? ownKey(id, event.source) : `k:${arrival.idempotencyKey}`
  if (!key) return event
  // The body is what the caller sent, not what was filled in: a retry has another time.
  const bodyHash = createHash('sha256')
    .update(`${JSON.stringify(given)}\n${dataJson}`)
    .digest('base64url')
    .slice(0, 22)
  const idempotency = { key: short(key), bodyHash }
  return { ...event, id: (id as string | undefined) ?? sameId(key, bodyHash), idempotency }
}

let isoAtMs = 0
let iso = ''

/** A time as RFC 3339 text, written once for all events of a millisecond. */
function isoOf(ms: number): string {
  if (ms !== isoAtMs) {
    isoAtMs = ms
    iso = new Date(ms).toISOString()
  }
  return iso
}

/** The id of an event that came without one but under a key: the same at every retry. A UUIDv8 (RFC 9562 §5.8). */
function sameId(key: string, bodyHash: string): string {
  const hex = createHash('sha256').update(`${key}\n${bodyHash}`).digest('hex')
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** A CloudEvent is itself named by source and id, so its sender can repeat it without a header. */
const ownKey = (id: unknown, source: string) => (id === undefined ? undefined : `e:${source} ${id}`)

const short = (key: string) => (key.length <= 64 ? key : `h:${createHash('sha256').update(key).digest('base64url')}`)

function misfits(given: Record<string, unknown>, about: { arrival: Arrival; hasData: boolean }): FieldError[] {
  const errors: FieldError[] = []
  const complain = (name: string, message: string) => errors.push({ path: `/${name}`, message })
  if (given.specversion !== undefined && given.specversion !== '1.0') complain('specversion', 'must be "1.0"')
  for (const name of given.specversion === undefined ? ['type'] : ['id', 'source', 'type'])
    if (given[name] === undefined) complain(name, 'is missing')
  if (Object.keys(given).length > attributesMax) complain('', `must have at most ${attributesMax} attributes`)
  if (given.tenant !== undefined && given.tenant !== about.arrival.tenant)
    complain('tenant', 'is set by the service and cannot name another tenant')
  if (given.data_base64 !== undefined) {
    if (about.hasData) complain('data_base64', 'cannot stand beside data')
    if (typeof given.data_base64 !== 'string' || !isBase64(given.data_base64)) complain('data_base64', 'must be base64')
  }
  for (const [name, value] of Object.entries(given)) {
    if (name === 'data_base64') continue
    if (!attributeName.test(name)) complain(name.slice(0, 64), 'is not an attribute name: 1 to 20 of a-z and 0-9')
    else if (!fits(rules[name], value))
      complain(name, rules[name]?.said ?? 'must be a text, a whole number or a boolean')
  }
  return errors
}

function fits(rule: Rule | undefined, value: unknown): boolean {
  if (!rule && (typeof value === 'boolean' || Number.isSafeInteger(value))) return true
  if (typeof value !== 'string' || control.test(value) || !value.isWellFormed()) return false
  if (!rule) return value.length <= textMax
  return value.length > 0 && value.length <= rule.lengthMax && (rule.form?.test(value) ?? true)
}

const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
