import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '@santaclaude/kit/clock'
import { within } from '@santaclaude/kit/deadline'
import { type Appended, type EventLog, LogError, type NewEvent, type TopicChange } from '@santaclaude/log/port'
import { canonicalJson } from './canonical.ts'
import { type AuditEntry, type AuditRecord, auditRecord, recordText } from './record.ts'

/** Writes down what is done. One per service, made in its `main.ts`. */
export interface Recorder {
  /**
   * Resolves once the record is acknowledged by the log: from then on it is owed to the audit store. Under `require`
   * rejects with {@link AuditUnavailableError} when that could not be had; under `best-effort` never rejects for it.
   * Rejects with `AuditRecordError` when the entry lacks a required part: that is a mistake in the caller.
   */
  record(entry: AuditEntry): Promise<void>
}

/** `require` refuses an act whose record cannot be appended; `best-effort` lets it happen and counts the miss. */
export type AuditPolicy = 'require' | 'best-effort'

/** The act must not happen because its record could not be appended. */
export class AuditUnavailableError extends Error {
  /** The code of the closed list of faults this is answered with: 503, retryable. */
  readonly faultCode = 'audit_unavailable'
  constructor(cause: unknown) {
    super('the audit record could not be appended', { cause })
    this.name = 'AuditUnavailableError'
  }
}

export interface RecorderOptions {
  log: AuditLog
  /** `/<service>`; every record says who wrote it. */
  source: string
  policy?: AuditPolicy
  /** Called for every record that could not be appended, under both policies: count it and log the cause. */
  onMiss?: (cause: unknown, record: AuditRecord) => void
  /** How long an append may take before it counts as failed, in milliseconds. */
  appendMs?: number
  clock?: Clock
}

/** The recorder on the event log. */
export function recorder({
  log,
  source,
  policy = 'require',
  onMiss = () => {},
  appendMs = 5_000,
  clock = systemClock,
}: RecorderOptions): Recorder {
  return {
    record: async (entry) => {
      const record = auditRecord(entry, { source, nowMs: clock.now() })
      const events = [eventOf({ record })]
      try {
        await within(appendMs, 'the append of an audit record', append(log, events))
      } catch (cause) {
        onMiss(cause, record)
        if (policy === 'require') throw new AuditUnavailableError(cause)
      }
    },
  }
}

/** Where the records of every tenant are appended. No caller's key can name this tenant. */
export const auditTopic = { tenant: 'sc', topic: 'audit' } as const

/** The topic as the first append makes it: a record stays until the store has it, and an hour longer for a look back. */
export const auditTopicSettings = {
  partitions: 4,
  retention: { keepUntilSettled: true, maxAgeMs: 3_600_000, maxEvents: null },
  idempotencyWindowMs: 600_000,
} satisfies TopicChange

/** The part of the event log that recording needs. */
export type AuditLog = Pick<EventLog, 'append'>

/** What became of one record: `duplicate` = the same record was there already, `conflict` = another one of that id was. */
export type RecordAppended = 'appended' | 'duplicate' | 'conflict'

/**
 * Appends records as their canonical text, one outcome per record; resolves when all are acknowledged, rejects with a
 * `LogError`. One tenant's records keep their order: the tenant is the partition key. Records are told apart by tenant
 * and id, so an append whose outcome is unknown is simply repeated. `text` is the record's canonical text, when it was made
 * before; `stated` is what the sender said, when the record holds more than that (a time we added): a repetition is then
 * known by what was said.
 */
export async function appendRecords(
  log: AuditLog,
  records: { record: AuditRecord; text?: string; stated?: unknown }[],
): Promise<RecordAppended[]> {
  const outcomes = await append(log, records.map(eventOf))
  return outcomes.map((outcome) => (!outcome.ok ? 'conflict' : outcome.isDuplicate ? 'duplicate' : 'appended'))
}

async function append(log: AuditLog, events: NewEvent[]): Promise<Appended[]> {
  const attempt = () => log.append(auditTopic, events, { create: auditTopicSettings })
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof LogError && error.code === 'outcome_unknown') return await attempt()
    throw error
  }
}

function eventOf({ record, text, stated }: { record: AuditRecord; text?: string; stated?: unknown }): NewEvent {
  const dataJson = text ?? recordText(record)
  const body = stated === undefined ? dataJson : canonicalJson(stated)
  return {
    id: record.id,
    source: record.source,
    type: 'audit.record.made',
    partitionkey: record.tenant,
    dataJson,
    idempotency: { key: `${record.tenant}/${record.id}`, bodyHash: createHash('sha256').update(body).digest('hex') },
  }
}
