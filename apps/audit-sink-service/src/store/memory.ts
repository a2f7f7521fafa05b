import { isUuid, uuidv7 } from '@santaclaude/kit/ids'
import {
  type AuditStore,
  entryKey,
  type Filter,
  insertRowsMax,
  type Poison,
  type Position,
  type Row,
  StoreError,
} from './port.ts'
import { compareStreamIds, splitStreamId } from './stream-id.ts'

/** An audit store in this process's memory, for tests of what does not concern the engine: the same promises, no durability. */
export function memoryStore(): AuditStore {
  const rows: Row[] = []
  const poison: Poison[] = []
  const tokens = new Set<string>()
  const isNew = (token: string) => !tokens.has(token) && tokens.add(token)

  return {
    writerId: uuidv7(),
    prepare: async () => {},
    ping: async () => {},
    close: async () => {},

    insert: async (batch, token) => {
      if (batch.length > insertRowsMax) throw new StoreError('rejected', `${batch.length} rows are too many at once`)
      if (!batch.every(({ record }) => isUuid(record.id))) throw new StoreError('rejected', 'an id is no UUID')
      if (isNew(token)) rows.push(...batch)
    },
    quarantine: async (batch, token) => {
      if (isNew(token)) poison.push(...batch)
    },
    places: async (partition) => {
      const byEpoch = new Map<string, string>()
      for (const { place } of rows.filter((row) => row.place.partition === partition)) {
        const known = byEpoch.get(place.epoch)
        if (known === undefined || compareStreamIds(known, place.streamId) < 0) byEpoch.set(place.epoch, place.streamId)
      }
      return [...byEpoch].map(([epoch, streamId]) => ({ epoch, streamId }))
    },
    present: async ({ partition, first, last }) => {
      const isWithin = ({ place }: Row) =>
        place.partition === partition &&
        compareStreamIds(place.streamId, first) >= 0 &&
        compareStreamIds(place.streamId, last) <= 0
      return new Set(rows.filter(isWithin).map(({ place, record }) => entryKey(place.streamId, record.id)))
    },
    known: async (ids) => {
      const wanted = new Set(ids.map(({ tenant, id }) => `${tenant}/${id}`))
      const keyed = rows.map(({ record, text }): [string, string] => [`${record.tenant}/${record.id}`, text])
      return new Map(keyed.filter(([key]) => wanted.has(key)))
    },

    search: async (filter, { order, after, limit }) => {
      const sign = order === 'newest' ? -1 : 1
      return rows
        .filter((row) => matches(row, filter))
        .map((row) => ({ row, position: positionOf(row) }))
        .filter(({ position }) => !after || sign * compare(position, after) > 0)
        .sort((a, b) => sign * compare(a.position, b.position))
        .slice(0, limit)
        .map(({ row, position }) => shown(row, position))
    },
    find: async (tenant, id) => {
      const found = rows.find(({ record }) => record.tenant === tenant && record.id === id)
      return found && shown(found, positionOf(found))
    },
    quarantined: async (tenant, { limit }) =>
      poison
        .filter((one) => one.tenant === tenant)
        .sort((a, b) => compareStreamIds(b.place.streamId, a.place.streamId))
        .slice(0, limit)
        .map((one) => ({ ...one, receivedAtMs: splitStreamId(one.place.streamId).ms })),
  }
}

const shown = ({ text, place }: Row, position: Position) => ({
  record: JSON.parse(text),
  receivedAtMs: splitStreamId(place.streamId).ms,
  position,
})

function positionOf({ record, place }: Row): Position {
  const { ms, seq } = splitStreamId(place.streamId)
  return { occurredAtMs: Date.parse(record.occurredAt), logMs: ms, logSeq: seq, id: record.id }
}

const compare = (a: Position, b: Position) =>
  a.occurredAtMs - b.occurredAtMs ||
  a.logMs - b.logMs ||
  a.logSeq - b.logSeq ||
  (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

function matches({ record, text }: Row, filter: Filter): boolean {
  const occurredAtMs = Date.parse(record.occurredAt)
  const equal: [unknown, unknown][] = [
    [filter.tenant, record.tenant],
    [filter.actorType, record.actor.type],
    [filter.actorId, record.actor.id],
    [filter.outcome, record.outcome],
    [filter.targetType, record.target.type],
    [filter.targetId, record.target.id],
    [filter.sessionId, record.sessionId],
    [filter.requestId, record.requestId],
    [filter.traceId, record.traceId],
    [filter.source, record.source],
  ]
  const { action, fromMs = -Infinity, toMs = Infinity } = filter
  return (
    equal.every(([wanted, found]) => wanted === undefined || wanted === found) &&
    (action === undefined ||
      (action.endsWith('*') ? record.action.startsWith(action.slice(0, -1)) : record.action === action)) &&
    occurredAtMs >= fromMs &&
    occurredAtMs < toMs &&
    (filter.text === undefined || text.toLowerCase().includes(JSON.stringify(filter.text).slice(1, -1).toLowerCase()))
  )
}
