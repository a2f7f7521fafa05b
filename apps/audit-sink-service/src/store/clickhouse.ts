import { Readable } from 'node:stream'
import type { ClickHouseClient } from '@clickhouse/client'
import { within } from '@santaclaude/kit/deadline'
import { Semaphore } from '@santaclaude/kit/semaphore'
import type { Engine } from './engine.ts'
import { migrations } from './migrations.ts'
import { type AuditStore, entryKey, insertRowsMax, type StoredRecord, StoreError } from './port.ts'
import { eventLines, quarantineLines, type Statement, searchStatement, storedColumns } from './statements.ts'
import { splitStreamId } from './stream-id.ts'

export interface StoreOptions {
  database: string
  /** The longest a query may run, in milliseconds. */
  queryMs: number
  /** The longest an insert may run, in milliseconds. */
  insertMs: number
}

/** The audit store in ClickHouse. `prepare` must have resolved once before anything else works. */
export function clickhouseStore(engine: Engine, { database, queryMs, insertMs }: StoreOptions): AuditStore {
  const events = `${database}.events`
  const quarantine = `${database}.quarantine`
  const idle = [...engine.readers]
  const turn = new Semaphore(idle.length, 1_000)

  const read = async (statement: Statement): Promise<Record<string, unknown>[]> => {
    const done = await turn.acquire({ waitMs: queryMs }).catch((cause) => {
      throw new StoreError('unavailable', 'too many queries are waiting', { cause })
    })
    const client = idle.pop() as ClickHouseClient
    try {
      const asked = client.query({
        query: `${statement.query} SETTINGS max_execution_time = ${queryMs / 1000}`,
        query_params: statement.params,
        format: 'JSONEachRow',
      })
      return await within(
        queryMs * 2,
        'a query',
        asked.then((result) => result.json<Record<string, unknown>>()),
      )
    } catch (cause) {
      throw storeError(cause, slow)
    } finally {
      idle.push(client)
      done()
    }
  }

  const insert = async (table: string, lines: string, token: string) => {
    if (!/^[\w:.-]{1,200}$/.test(token)) throw new StoreError('rejected', `"${token}" cannot be a token`)
    try {
      const sent = engine.writer.exec({
        query: `INSERT INTO ${table} SETTINGS insert_deduplication_token = '${token}', insert_deduplicate = 1, async_insert = 0, input_format_skip_unknown_fields = 0, max_execution_time = ${insertMs / 1000} FORMAT JSONEachRow`,
        values: Readable.from([Buffer.from(lines)]),
      })
      await within(
        insertMs * 2,
        'an insert',
        sent.then(({ stream }) => stream.toArray()),
      )
    } catch (cause) {
      throw storeError(cause, unfit)
    }
  }

  const command = async (query: string) => {
    try {
      await within(insertMs * 2, 'a schema change', engine.writer.command({ query }))
    } catch (cause) {
      throw storeError(cause, {})
    }
  }

  return {
    writerId: engine.writerId,

    prepare: async () => {
      await command(`CREATE DATABASE IF NOT EXISTS ${database}`)
      await command(
        `CREATE TABLE IF NOT EXISTS ${database}.migrations (version UInt32, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version`,
      )
      const [row] = await read({ query: `SELECT max(version) AS version FROM ${database}.migrations`, params: {} })
      for (const { version, statements } of migrations.filter(({ version }) => version > Number(row?.version))) {
        for (const statement of statements(database)) await command(statement)
        await insert(`${database}.migrations`, JSON.stringify({ version }), `migration-${version}`)
      }
    },

    insert: async (rows, token) => {
      if (rows.length > insertRowsMax) throw new StoreError('rejected', `${rows.length} rows are too many at once`)
      await insert(events, eventLines(rows), token)
    },

    quarantine: async (poison, token) => {
      await insert(quarantine, quarantineLines(poison), token)
    },

    places: async (partition) => {
      const rows = await read({
        query: `SELECT log_epoch, max((log_ms, log_seq)) AS place FROM ${events} WHERE log_partition = {partition:UInt16} GROUP BY log_epoch`,
        params: { partition },
      })
      return rows.map(({ log_epoch, place }) => {
        const [ms, seq] = place as [unknown, unknown]
        return { epoch: String(log_epoch), streamId: `${ms}-${seq}` }
      })
    },

    present: async ({ partition, first, last }) => {
      const from = splitStreamId(first)
      const to = splitStreamId(last)
      const rows = await read({
        query: `SELECT log_ms, log_seq, toString(id) AS id_text FROM ${events} WHERE log_partition = {partition:UInt16}
          AND log_ms BETWEEN {fromMs:UInt64} AND {toMs:UInt64}
          AND received_at BETWEEN fromUnixTimestamp64Milli({fromMs:UInt64}, 'UTC') AND fromUnixTimestamp64Milli({toMs:UInt64}, 'UTC')
          AND (log_ms, log_seq) >= ({fromMs:UInt64}, {fromSeq:UInt64}) AND (log_ms, log_seq) <= ({toMs:UInt64}, {toSeq:UInt64})`,
        params: { partition, fromMs: from.ms, fromSeq: from.seq, toMs: to.ms, toSeq: to.seq },
      })
      return new Set(rows.map(({ log_ms, log_seq, id_text }) => entryKey(`${log_ms}-${log_seq}`, String(id_text))))
    },

    known: async (ids) => {
      if (ids.length === 0) return new Map()
      const rows = await read({
        query: `SELECT tenant, toString(id) AS id_text, any(canonical) AS text FROM ${events}
          WHERE tenant IN {tenants:Array(String)} AND id IN {ids:Array(UUID)} GROUP BY tenant, id`,
        params: { tenants: [...new Set(ids.map(({ tenant }) => tenant))], ids: ids.map(({ id }) => id) },
      })
      return new Map(rows.map(({ tenant, id_text, text }) => [`${tenant}/${id_text}`, String(text)]))
    },

    search: async (filter, options) => (await read(searchStatement(events, filter, options))).map(stored),

    find: async (tenant, id) => {
      const rows = await read({
        query: `SELECT ${storedColumns} FROM ${events} WHERE tenant = {tenant:String} AND id = {id:UUID} ORDER BY log_ms LIMIT 1`,
        params: { tenant, id },
      })
      return rows.map(stored)[0]
    },

    quarantined: async (tenant, { limit }) => {
      const rows = await read({
        query: `SELECT *, toUnixTimestamp64Milli(received_at) AS received_ms FROM ${quarantine} WHERE tenant = {tenant:String}
          ORDER BY log_ms DESC, log_seq DESC LIMIT {limit:UInt32}`,
        params: { tenant, limit },
      })
      return rows.map((row) => ({
        place: {
          partition: Number(row.log_partition),
          epoch: String(row.log_epoch),
          streamId: `${row.log_ms}-${row.log_seq}`,
        },
        tenant: String(row.tenant),
        eventId: String(row.event_id),
        reason: String(row.reason),
        text: String(row.text),
        receivedAtMs: Number(row.received_ms),
      }))
    },

    ping: async () => {
      await read({ query: `SELECT 1 FROM ${events} LIMIT 1`, params: {} })
    },

    close: () => engine.close(),
  }
}

const stored = (row: Record<string, unknown>): StoredRecord => ({
  record: JSON.parse(String(row.canonical)),
  receivedAtMs: Number(row.received_ms),
  position: {
    occurredAtMs: Number(row.occurred_ms),
    logMs: Number(row.log_ms),
    logSeq: Number(row.log_seq),
    id: String(row.id_text),
  },
})

type Codes = Record<string, 'too_slow' | 'rejected'>

/** TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED, TOO_MANY_ROWS, TOO_MANY_BYTES. */
const slow: Codes = { 159: 'too_slow', 160: 'too_slow', 241: 'too_slow', 158: 'too_slow', 307: 'too_slow' }

/** Errors that say a value does not fit its column, so that sending it again is no use. All others may pass. */
const unfit: Codes = Object.fromEntries(
  [6, 25, 26, 27, 38, 41, 53, 69, 72, 117, 131, 321, 349, 376, 469].map((code) => [code, 'rejected']),
)

function storeError(cause: unknown, codes: Codes): StoreError {
  const message = cause instanceof Error ? cause.message : String(cause)
  // By its shape: the embedded engine throws an error class from another copy of the client.
  const code = (cause as { code?: string } | undefined)?.code
  return new StoreError(codes[code ?? ''] ?? 'unavailable', message, { cause })
}
