import { createHash } from 'node:crypto'
import { type AuditEntry, AuditRecordError, checkRecord, recordText } from '@santaclaude/audit/record'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'

/** An event as a client states it. What is left out is filled in from the key and the request. */
export type StatedEvent = Omit<AuditEntry, 'tenant' | 'actor'> & { actor?: AuditEntry['actor'] | undefined }

/** Where a stated event came from. */
export interface Statement {
  who: Who
  nowMs: number
  /** The request's Idempotency-Key, made unique to this event of the request. */
  idempotencyKey?: string | undefined
  /** The JSON pointer of the event in the body, for complaints. */
  path: string
}

/**
 * The record of a stated event. Its tenant is the key's, never the client's word; only a service of the platform may
 * claim a source that begins with `/`. Faults: validation_failed.
 */
export function recordOf(event: StatedEvent, { who, nowMs, idempotencyKey, path }: Statement) {
  const errors = [...sourceErrors(event), ...inexactNumbers(event.data, '/data')]
  if (errors.length > 0) throw misfit(errors, path)
  const id = event.id ?? idOf(who.tenant, idempotencyKey) ?? uuidv7(nowMs)
  // The client's own time zone is welcome; the record knows one.
  const occurredMs = event.occurredAt === undefined ? nowMs : timeOf(event.occurredAt)
  try {
    const record = checkRecord({
      requestId: who.requestId,
      traceId: who.traceId,
      source: `key:${who.actor.name}`,
      ...(event.actor ? {} : addressOf(who)),
      ...event,
      id,
      occurredAt: Number.isNaN(occurredMs) ? event.occurredAt : new Date(occurredMs).toISOString(),
      tenant: who.tenant,
      actor: event.actor ?? who.actor,
      data: event.data ?? {},
    })
    return { record, text: recordText(record), stated: { ...event, id } }
  } catch (error) {
    if (error instanceof AuditRecordError) throw misfit(error.errors, path)
    throw error
  }
}

/** The time in milliseconds, NaN for a day that no month has: `Date.parse` would take the 31st of February for March. */
function timeOf(text: string): number {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day ? Date.parse(text) : Number.NaN
}

const addressOf = ({ ip, userAgent }: Who) => ({
  ...(ip === undefined ? {} : { ip }),
  ...(userAgent === undefined || userAgent === '' ? {} : { userAgent: userAgent.toWellFormed() }),
})

/** The same key must give the same id, so that a repeated request is the same event: a UUIDv8 of both (RFC 9562 §5.8). */
function idOf(tenant: string, key: string | undefined): string | undefined {
  if (key === undefined) return undefined
  const hash = createHash('sha256').update(`${tenant}\n${key}`).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

const sourceErrors = ({ source }: StatedEvent) =>
  source?.startsWith('/')
    ? [{ path: '/source', message: 'must not begin with /: those are the services themselves' }]
    : []

/** Whole numbers that a double cannot hold exactly: what we would store may not be what was meant. */
function inexactNumbers(value: unknown, path: string): { path: string; message: string }[] {
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21
      ? [{ path, message: 'is beyond 2^53 and cannot be kept exactly: send it as text' }]
      : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => inexactNumbers(member, `${path}/${key}`))
}

function misfit(errors: { path: string; message: string }[], path: string): Fault {
  const placed = errors.slice(0, 20).map((error) => ({ path: `/body${path}${error.path}`, message: error.message }))
  const [first] = placed
  return new Fault('validation_failed', { detail: `${first?.path} ${first?.message}.`, errors: placed })
}
