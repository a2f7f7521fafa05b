import { isUuid, uuidv7 } from '@santaclaude/kit/ids'
import { CanonicalError, canonicalJson } from './canonical.ts'

/** One thing somebody did, or was refused. */
export interface AuditRecord {
  /** UUID; UUIDv7 when we make it. One per tenant: a second record of the same id and tenant is a repetition. */
  id: string
  /** RFC 3339 in UTC with milliseconds, `2026-11-23T12:34:56.789Z`. */
  occurredAt: string
  tenant: string
  actor: { type: string; id: string; name?: string }
  /** Dotted words, from the general to the particular: `browser.session.created`. */
  action: string
  outcome: AuditOutcome
  target: { type: string; id: string }
  /** Who wrote the record: `/<service>` for a service of the platform. */
  source: string
  requestId?: string
  /** W3C trace id: 32 lower-case hexadecimal digits. */
  traceId?: string
  sessionId?: string
  /** The id of the record this one follows from: an outcome names its intent. */
  parentId?: string
  ip?: string
  userAgent?: string
  data: Record<string, unknown>
}

export const outcomes = ['success', 'failure', 'denied'] as const
export type AuditOutcome = (typeof outcomes)[number]

/** A record as a caller states it: what is left out is filled in, `undefined` counts as left out. */
export type AuditEntry = Pick<AuditRecord, 'tenant' | 'action' | 'outcome' | 'target'> & {
  actor: { type: string; id: string; name?: string | undefined }
} & { [Field in 'id' | 'occurredAt' | 'source' | Optional]?: AuditRecord[Field] | undefined } & {
  data?: Record<string, unknown> | undefined
}
type Optional = 'requestId' | 'traceId' | 'sessionId' | 'parentId' | 'ip' | 'userAgent'

/** Thrown when a value is no audit record; `errors` name each part that is wrong by JSON pointer. */
export class AuditRecordError extends Error {
  constructor(readonly errors: { path: string; message: string }[]) {
    super(errors.map(({ path, message }) => `${path || '/'} ${message}`).join('; '))
    this.name = 'AuditRecordError'
  }
}

/** The most bytes a record may have in canonical form. Larger things belong elsewhere, with their digest in `data`. */
export const recordBytesMax = 256 * 1024

/** What a field must look like. `charsMax` counts UTF-16 code units. */
interface Rule {
  charsMax: number
  form?: RegExp
  said: string
}

const word = {
  charsMax: 64,
  form: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  said: 'must be 1-64 letters, digits, dots, dashes, underscores',
}
const uuid = { charsMax: 36, form: /^[0-9a-f-]{36}$/, said: 'must be a lower-case UUID' }
const words = (charsMax: number): Rule => ({ charsMax, said: `must be 1-${charsMax} characters` })

const rules: Record<string, Rule> = {
  id: uuid,
  occurredAt: {
    charsMax: 24,
    form: /^(19[7-9]|2[01]\d)\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    said: 'must be a UTC time with milliseconds, years 1970-2199',
  },
  tenant: words(128),
  'actor/type': word,
  'actor/id': words(256),
  'actor/name': words(256),
  action: {
    charsMax: 128,
    form: /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/,
    said: 'must be 1-128 letters, digits and . _ : / -',
  },
  outcome: { charsMax: 7, form: /^(success|failure|denied)$/, said: 'must be success, failure or denied' },
  'target/type': word,
  'target/id': words(512),
  source: words(256),
  requestId: words(128),
  traceId: { charsMax: 32, form: /^[0-9a-f]{32}$/, said: 'must be 32 lower-case hexadecimal digits' },
  sessionId: words(128),
  parentId: uuid,
  ip: { charsMax: 45, form: /^[0-9A-Fa-f.:]+$/, said: 'must be an IPv4 or IPv6 address' },
  userAgent: words(512),
}
const optional = new Set(['actor/name', 'requestId', 'traceId', 'sessionId', 'parentId', 'ip', 'userAgent'])
const checks = Object.entries(rules).map(([field, rule]) => {
  const [head = '', tail] = field.split('/')
  return { field, head, tail, rule, isOptional: optional.has(field) }
})

/**
 * A record from what a caller states. Makes the id and the time when they are absent, clips long free text, and bends
 * `data` until JSON can carry it: an act must not fail because of what its user agent or its page title looked like.
 * Still throws {@link AuditRecordError} when a required part is missing or malformed.
 */
export function auditRecord(entry: AuditEntry, { source, nowMs }: { source: string; nowMs: number }): AuditRecord {
  const { actor, target } = entry
  const clip = (text: string | undefined, field: string) =>
    text?.replaceAll('\0', '').toWellFormed().slice(0, rules[field]?.charsMax).toWellFormed() || undefined
  return checkRecord(
    present({
      id: entry.id ?? uuidv7(nowMs),
      occurredAt: entry.occurredAt ?? new Date(nowMs).toISOString(),
      tenant: entry.tenant,
      actor: present({ type: actor.type, id: clip(actor.id, 'actor/id'), name: clip(actor.name, 'actor/name') }),
      action: entry.action,
      outcome: entry.outcome,
      target: present({ type: target.type, id: clip(target.id, 'target/id') }),
      source: entry.source ?? source,
      requestId: clip(entry.requestId, 'requestId'),
      traceId: entry.traceId,
      sessionId: clip(entry.sessionId, 'sessionId'),
      parentId: entry.parentId,
      ip: clip(entry.ip, 'ip'),
      userAgent: clip(entry.userAgent, 'userAgent'),
      data: carried(entry.data ?? {}),
    }),
  )
}

/** The value as a record when it is one to the letter; throws {@link AuditRecordError} otherwise. Members it does not know stay. */
export function checkRecord(value: unknown): AuditRecord {
  if (!isObject(value)) throw new AuditRecordError([{ path: '', message: 'must be an object' }])
  const errors: { path: string; message: string }[] = []
  for (const { field, head, tail, rule, isOptional } of checks) {
    const member = value[head]
    const found = tail === undefined ? member : isObject(member) ? member[tail] : undefined
    if (found === undefined ? !isOptional : !obeys(found, rule)) errors.push({ path: `/${field}`, message: rule.said })
  }
  if (!isObject(value.data)) errors.push({ path: '/data', message: 'must be an object' })
  if (errors.length === 0 && !isTime(String(value.occurredAt)))
    errors.push({ path: '/occurredAt', message: 'is no day of the calendar' })
  if (errors.length > 0) throw new AuditRecordError(errors)
  return value as unknown as AuditRecord
}

/** The canonical text of a record (RFC 8785); throws {@link AuditRecordError} when JSON cannot carry it or it is too large. */
export function recordText(record: AuditRecord): string {
  try {
    const text = canonicalJson(record)
    if (bytesOf(text) > recordBytesMax)
      throw new AuditRecordError([{ path: '', message: `is larger than ${recordBytesMax} bytes` }])
    return text
  } catch (error) {
    if (error instanceof CanonicalError) throw new AuditRecordError([{ path: error.path, message: error.reason }])
    throw error
  }
}

/** Reads a record back from its canonical text; throws {@link AuditRecordError} for anything that is not exactly that. */
export function readRecord(text: string): AuditRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AuditRecordError([{ path: '', message: 'is not JSON' }])
  }
  const record = checkRecord(value)
  if (recordText(record) !== text) throw new AuditRecordError([{ path: '', message: 'is not in canonical form' }])
  return record
}

const obeys = (found: unknown, { charsMax, form }: Rule) =>
  typeof found === 'string' &&
  found.length > 0 &&
  found.length <= charsMax &&
  (form ? form.test(found) && (form !== uuid.form || isUuid(found)) : found.isWellFormed() && !found.includes('\0'))

const isTime = (text: string) => {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object without the members that are undefined: the stored record should not depend on how a caller left a thing out. */
const present = (value: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))

const bytesOf = (text: string) =>
  text.length * 3 <= recordBytesMax ? text.length : new TextEncoder().encode(text).length

/** The data if JSON can carry it within three quarters of a record, else the nearest thing that it can. */
function carried(data: Record<string, unknown>): Record<string, unknown> {
  const dataBytesMax = (recordBytesMax * 3) / 4
  let text: string
  let kept = data
  try {
    text = canonicalJson(data)
  } catch {
    try {
      kept = JSON.parse(JSON.stringify(data, bend))
      text = canonicalJson(kept)
    } catch (error) {
      return { omitted: error instanceof CanonicalError ? error.reason : 'not JSON' }
    }
  }
  const bytes = bytesOf(text)
  return bytes > dataBytesMax ? { omitted: `larger than ${dataBytesMax} bytes`, bytes } : kept
}

function bend(_: string, value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}
