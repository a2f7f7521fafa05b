import { pause } from '@santaclaude/kit/deadline'
import { CliError } from '../context.ts'
import type { Caller } from './caller.ts'
import type { RecordLine } from './steps.ts'

const deadlineMs = 30_000

/**
 * The audit records of one trace, oldest first, once all the `wanted` actions are among them, as often as given. Records
 * reach ClickHouse a moment after they were appended, each partition of the log on its own time.
 */
export async function readRecords(
  audit: Caller,
  { traceId, wanted }: { traceId: string; wanted: ReadonlyMap<string, number> },
): Promise<RecordLine[]> {
  const endMs = Date.now() + deadlineMs
  for (;;) {
    const records = await allOf(audit, traceId)
    const missing = [...wanted].filter(([action, count]) => countOf(records, action) < count)
    if (missing.length === 0) return records
    if (Date.now() > endMs)
      throw new CliError(
        'failed',
        `After ${deadlineMs / 1000} s the audit store lacks: ${missing.map(([action, count]) => `${count - countOf(records, action)} ${action}`).join(', ')}.`,
      )
    await pause(100)
  }
}

const countOf = (records: RecordLine[], action: string) => records.filter((record) => record.action === action).length

async function allOf(audit: Caller, traceId: string): Promise<RecordLine[]> {
  const records: RecordLine[] = []
  let cursor = ''
  do {
    const path = `/v1/events?traceId=${traceId}&order=oldest&limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page = await audit.call<{ events: RecordLine[]; next?: string }>('GET', path)
    records.push(...page.events)
    cursor = page.next ?? ''
  } while (cursor)
  return records
}
