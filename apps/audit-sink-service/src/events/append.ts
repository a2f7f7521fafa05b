import { type AuditLog, appendRecords, type RecordAppended } from '@santaclaude/audit/recorder'
import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { recordOf, type StatedEvent } from './stated.ts'

export interface AppendPorts {
  log: AuditLog
  clock?: Clock
}

export interface Sender {
  who: Who
  idempotencyKey?: string | undefined
}

export interface Receipt {
  id: string
  status: RecordAppended
}

/**
 * Takes one event over: once this resolves it is in the log and owed to the store.
 * Faults: validation_failed, record_conflict, and those of the log (store_unavailable, outcome_unknown, storage_full).
 */
export async function append(ports: AppendPorts, sender: Sender, event: StatedEvent): Promise<Receipt> {
  const [receipt] = await take(ports, sender, [event], () => '')
  if (!receipt || receipt.status === 'conflict')
    throw new Fault('record_conflict', { detail: `The id ${receipt?.id} is taken.` })
  return receipt
}

/**
 * Takes many events over, in order. All must fit, or none is taken; each has its own outcome then.
 * Faults: as {@link append}, but a conflict is an outcome of its event.
 */
export const appendBatch = (ports: AppendPorts, sender: Sender, events: StatedEvent[]): Promise<Receipt[]> =>
  take(ports, sender, events, (at) => `/events/${at}`)

async function take(
  { log, clock = systemClock }: AppendPorts,
  { who, idempotencyKey }: Sender,
  events: StatedEvent[],
  pathOf: (at: number) => string,
): Promise<Receipt[]> {
  const nowMs = clock.now()
  const records = events.map((event, at) =>
    recordOf(event, {
      who,
      nowMs,
      idempotencyKey: idempotencyKey && `${idempotencyKey}${pathOf(at)}`,
      path: pathOf(at),
    }),
  )
  const outcomes = await appendRecords(log, records)
  return records.map(({ record }, at) => ({ id: record.id, status: outcomes[at] ?? 'appended' }))
}
