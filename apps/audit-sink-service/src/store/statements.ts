import type { Filter, Poison, Row, SearchOptions } from './port.ts'
import { splitStreamId } from './stream-id.ts'

/** Rows as JSONEachRow text for `events`. Times are written as ClickHouse's own text: no setting then decides how they are read. */
export const eventLines = (rows: Row[]): string =>
  rows
    .map(({ place, record, text }) => JSON.stringify({ ...columnsOf(record), canonical: text, ...placeOf(place) }))
    .join('\n')

/** Poison as JSONEachRow text for `quarantine`. */
export const quarantineLines = (poison: Poison[]): string =>
  poison
    .map(({ place, tenant, eventId, reason, text }) =>
      JSON.stringify({ tenant, event_id: eventId, reason, text, ...placeOf(place) }),
    )
    .join('\n')

const columnsOf = (record: Row['record']) => ({
  tenant: record.tenant,
  id: record.id,
  occurred_at: clickhouseTime(record.occurredAt),
  actor_type: record.actor.type,
  actor_id: record.actor.id,
  action: record.action,
  outcome: record.outcome,
  target_type: record.target.type,
  target_id: record.target.id,
  source: record.source,
  request_id: record.requestId ?? '',
  trace_id: record.traceId ?? '',
  session_id: record.sessionId ?? '',
})

function placeOf({ partition, epoch, streamId }: Row['place']) {
  const { ms, seq } = splitStreamId(streamId)
  return {
    // Redis's time of the append, not ours of the insert: a repeated insert must carry the same bytes.
    received_at: clickhouseTime(new Date(ms).toISOString()),
    log_partition: partition,
    log_epoch: epoch,
    log_ms: ms,
    log_seq: seq,
  }
}

const clickhouseTime = (iso: string) => iso.replace('T', ' ').replace('Z', '')

export interface Statement {
  query: string
  params: Record<string, unknown>
}

/** The columns a {@link StoredRecord} is made from. */
export const storedColumns =
  'canonical, toUnixTimestamp64Milli(received_at) AS received_ms, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, log_ms, log_seq, toString(id) AS id_text'

/** The records that match, in order. Every value travels as a bound parameter. */
export function searchStatement(table: string, filter: Filter, { order, after, limit }: SearchOptions): Statement {
  const conditions = ['tenant = {tenant:String}']
  const params: Record<string, unknown> = { tenant: filter.tenant, limit }
  const where = (condition: string, name: string, value: unknown) => {
    if (value === undefined) return
    conditions.push(condition)
    params[name] = value
  }
  where("occurred_at >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC')", 'fromMs', filter.fromMs)
  where("occurred_at < fromUnixTimestamp64Milli({toMs:Int64}, 'UTC')", 'toMs', filter.toMs)
  where('actor_type = {actorType:String}', 'actorType', filter.actorType)
  where('actor_id = {actorId:String}', 'actorId', filter.actorId)
  if (filter.action?.endsWith('*')) {
    where('startsWith(action, {action:String})', 'action', filter.action.slice(0, -1))
  } else where('action = {action:String}', 'action', filter.action)
  where('outcome = {outcome:String}', 'outcome', filter.outcome)
  where('target_type = {targetType:String}', 'targetType', filter.targetType)
  where('target_id = {targetId:String}', 'targetId', filter.targetId)
  where('session_id = {sessionId:String}', 'sessionId', filter.sessionId)
  where('request_id = {requestId:String}', 'requestId', filter.requestId)
  where('trace_id = {traceId:String}', 'traceId', filter.traceId)
  where('source = {source:String}', 'source', filter.source)
  // The canonical text is JSON: what is looked for is written as JSON would write it inside a string.
  where(
    'positionCaseInsensitiveUTF8(canonical, {text:String}) > 0',
    'text',
    filter.text && JSON.stringify(filter.text).slice(1, -1),
  )
  if (after) {
    const beyond = order === 'newest' ? '<' : '>'
    const at = "fromUnixTimestamp64Milli({afterMs:Int64}, 'UTC')"
    // The first condition says nothing new; it is the one the primary key can use.
    where(`occurred_at ${beyond}= ${at}`, 'afterMs', after.occurredAtMs)
    where(
      `(occurred_at, log_ms, log_seq, id) ${beyond} (${at}, {afterLogMs:UInt64}, {afterLogSeq:UInt64}, {afterId:UUID})`,
      'afterId',
      after.id,
    )
    params.afterLogMs = after.logMs
    params.afterLogSeq = after.logSeq
  }
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  const ordered = ['occurred_at', 'log_ms', 'log_seq', 'id'].map((column) => `${column} ${direction}`).join(', ')
  return {
    query: `SELECT ${storedColumns} FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY ${ordered} LIMIT {limit:UInt32}`,
    params,
  }
}
