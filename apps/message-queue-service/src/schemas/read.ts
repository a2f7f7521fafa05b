import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import type { Schema } from './judge.ts'
import type { SchemaStore, TypeEntry } from './store/port.ts'

export const entryView = ({ type, latest, compatibility, changedAtMs }: TypeEntry) => ({
  ...{ type, version: latest, compatibility, changedAt: new Date(changedAtMs).toISOString() },
})
export const viewOf = (entry: TypeEntry, schema: Schema) => ({ ...entryView(entry), schema })

export async function listSchemas(
  store: SchemaStore,
  { tenant, limit, after = '' }: { tenant: string; limit: number; after?: string | undefined },
) {
  const rest = (await store.types(tenant)).filter(({ type }) => type > after)
  const types = rest.slice(0, limit).map(entryView)
  const next = rest.length > limit ? types.at(-1)?.type : undefined
  return { types, ...(next === undefined ? {} : { next }) }
}

const absent = (detail: string) => new Fault('not_found', { detail })

/** One version of a type's schema, the latest unless said. */
export async function getSchema(
  store: SchemaStore,
  { tenant, type, version }: { tenant: string; type: string; version?: number },
) {
  const entry = await store.find(tenant, type)
  if (!entry) throw absent('This event type has no schema.')
  const wanted = version ?? entry.latest
  const schema = await store.version(tenant, type, wanted)
  if (schema === undefined) throw absent('The schema has no such version.')
  return { ...viewOf(entry, schema), version: wanted, latest: entry.latest }
}

/** Removes a type's schema with all versions: its events are not checked any more. */
export async function deleteSchema(ports: QueuePorts, who: Who, type: string): Promise<void> {
  const { store } = ports.schemas
  if (!(await store.find(who.tenant, type))) throw absent('This event type has no schema.')
  const act = { action: 'mq.schema.deleted', target: { type: 'schema', id: type } }
  await recorded(ports, who, { act, work: () => store.remove(who.tenant, type) })
  ports.schemas.forget(who.tenant, type)
  await tell(ports, who, { type: 'mq.schema.deleted', subject: type, data: { type } })
}
