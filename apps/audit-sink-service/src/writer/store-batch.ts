import { createHash } from 'node:crypto'
import { AuditRecordError, readRecord } from '@santaclaude/audit/record'
import { auditTopicSettings } from '@santaclaude/audit/recorder'
import type { LogEntry } from '@santaclaude/log/port'
import { entryKey, type Ledger, type Poison, type Row, StoreError } from '../store/port.ts'
import { splitStreamId } from '../store/stream-id.ts'
import type { Batch } from './batches.ts'

export interface Stored {
  rows: number
  /** Records that were in the store already, under another entry. */
  duplicates: number
  quarantined: number
}

/**
 * Brings one batch into the store, all of it: records as rows, everything else into quarantine. Rejects with a
 * `StoreError` `unavailable` when that could not be confirmed; calling it again with the same batch is then right.
 * `mayBeStored` says that an earlier writer, or an earlier attempt, may have stored some of it.
 */
export async function storeBatch(
  ledger: Ledger,
  { partition, epoch, batch, mayBeStored }: { partition: number; epoch: string; batch: Batch; mayBeStored: boolean },
): Promise<Stored> {
  const { rows, poison } = sort({ partition, epoch, entries: batch.entries })
  const present = mayBeStored
    ? await ledger.present({ partition, first: batch.first, last: batch.last })
    : new Set<string>()
  const absent = rows.filter(({ place, record }) => !present.has(entryKey(place.streamId, record.id)))
  const { fresh, duplicates, conflicts } = await tellApart(ledger, absent)
  const token = tokenOf({ partition, epoch, batch, isRest: present.size > 0 })
  const unfit = fresh.length > 0 ? await insert(ledger, fresh, token) : []
  const quarantined = [...poison, ...conflicts, ...unfit]
  if (quarantined.length > 0) await ledger.quarantine(quarantined, `${token}.q`)
  return { rows: fresh.length - unfit.length, duplicates, quarantined: quarantined.length }
}

/** The entries that are records, and those that are not, with the reason. */
function sort({ partition, epoch, entries }: { partition: number; epoch: string; entries: LogEntry[] }) {
  const rows: Row[] = []
  const poison: Poison[] = []
  for (const { streamId, event } of entries) {
    const place = { partition, epoch, streamId }
    const text = event.dataJson ?? ''
    try {
      rows.push({ place, record: readRecord(text), text })
    } catch (error) {
      if (!(error instanceof AuditRecordError)) throw error
      poison.push({ place, tenant: event.partitionkey ?? '', eventId: event.id, reason: error.message, text })
    }
  }
  return { rows, poison }
}

/**
 * Finds the rows whose record came before, under another entry. The log itself refuses a repeated id within its window,
 * so only an id older than that, or one that says no time, has to be looked up.
 */
async function tellApart(ledger: Ledger, rows: Row[]) {
  const seen = await ledger.known(rows.filter(isOld).map(({ record: { tenant, id } }) => ({ tenant, id })))
  const fresh: Row[] = []
  const conflicts: Poison[] = []
  let duplicates = 0
  for (const row of rows) {
    const key = `${row.record.tenant}/${row.record.id}`
    const earlier = seen.get(key)
    if (earlier === undefined) {
      seen.set(key, row.text)
      fresh.push(row)
    } else if (earlier === row.text) duplicates++
    else conflicts.push(poisonOf(row, 'another record of this tenant has this id'))
  }
  return { fresh, duplicates, conflicts }
}

/** Half the log's window: clocks differ, and only a wrong "no" would do harm. */
const freshMs = auditTopicSettings.idempotencyWindowMs / 2

function isOld({ place, record }: Row): boolean {
  const isV7 = record.id[14] === '7'
  const madeMs = Number.parseInt(record.id.slice(0, 8) + record.id.slice(9, 13), 16)
  return !isV7 || Math.abs(splitStreamId(place.streamId).ms - madeMs) > freshMs
}

/** Inserts the rows; when the engine refuses them for what they hold, finds the ones it means and answers them. */
async function insert(ledger: Ledger, rows: Row[], token: string): Promise<Poison[]> {
  try {
    await ledger.insert(rows, token)
    return []
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'rejected') throw error
    const [only] = rows
    if (only && rows.length === 1) return [poisonOf(only, `the store refuses it: ${error.message.slice(0, 500)}`)]
    const half = Math.ceil(rows.length / 2)
    return [
      ...(await insert(ledger, rows.slice(0, half), `${token}.0`)),
      ...(await insert(ledger, rows.slice(half), `${token}.1`)),
    ]
  }
}

const poisonOf = ({ place, record, text }: Row, reason: string): Poison => ({
  place,
  tenant: record.tenant,
  eventId: record.id,
  reason,
  text,
})

/**
 * Names an insert by what it holds and where that lies, and by nothing else: the store believes a token blindly, so two
 * different inserts must never share one, and the same insert must never get two.
 */
function tokenOf({
  partition,
  epoch,
  batch,
  isRest,
}: {
  partition: number
  epoch: string
  batch: Batch
  isRest: boolean
}): string {
  const hash = createHash('sha256')
  for (const { streamId, event } of batch.entries) hash.update(`${streamId} ${event.dataJson ?? ''}\n`)
  return `${partition}.${epoch}.${batch.first}.${batch.last}.${hash.digest('hex').slice(0, 32)}${isRest ? '.rest' : ''}`
}
