import type { AuditRecord } from '@santaclaude/audit/record'
import { Fault } from '@santaclaude/service/faults'
import type { Archive, Filter, StoredRecord } from '../store/port.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'

/** A stored record as it is shown: the record itself, and when the log took it. */
export type ShownEvent = AuditRecord & { receivedAt: string }

export interface EventPage {
  events: ShownEvent[]
  /** Give it as `cursor` for the next page; absent on the last one. */
  next?: string
}

export interface Search extends Omit<Filter, 'tenant' | 'fromMs' | 'toMs'> {
  from?: string
  to?: string
  order: 'newest' | 'oldest'
  cursor?: string
  limit: number
}

/** One page of a tenant's records. Faults: bad_cursor, store_unavailable, deadline_exceeded. */
export async function search(archive: Archive, tenant: string, asked: Search): Promise<EventPage> {
  const { from, to, order, cursor, limit, ...filter } = asked
  const found = await archive.search(
    { ...filter, tenant, ...(from ? { fromMs: Date.parse(from) } : {}), ...(to ? { toMs: Date.parse(to) } : {}) },
    { order, limit: limit + 1, ...(cursor ? { after: decodeCursor(order, cursor) } : {}) },
  )
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    events: page.map(shown),
    ...(found.length > limit && last ? { next: encodeCursor(order, last.position) } : {}),
  }
}

/** One record of the tenant. Faults: record_not_found, store_unavailable, deadline_exceeded. */
export async function find(archive: Archive, tenant: string, id: string): Promise<ShownEvent> {
  const found = await archive.find(tenant, id)
  if (!found) throw new Fault('record_not_found', { detail: `No record with id ${id} in this tenant.` })
  return shown(found)
}

const shown = ({ record, receivedAtMs }: StoredRecord): ShownEvent => ({
  ...record,
  receivedAt: new Date(receivedAtMs).toISOString(),
})
