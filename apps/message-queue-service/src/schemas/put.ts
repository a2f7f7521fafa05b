import type { Who } from '@santaclaude/service/exchange'
import { Fault, type FieldError } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import { type Compatibility, conflictsBetween, isSame } from './compatible.ts'
import { compileSchema, SchemaError } from './compile.ts'
import { misfitsOf, type Schema } from './judge.ts'
import { viewOf } from './read.ts'

const typesMax = 10_000
const versionsMax = 1_000

export interface SchemaWish {
  schema: unknown
  compatibility?: Compatibility
}

/** Registers a version of an event type's schema; the one that holds already is not repeated. */
export async function putSchema(ports: QueuePorts, who: Who, { type, wish }: { type: string; wish: SchemaWish }) {
  const { tenant } = who
  const { store } = ports.schemas
  const schema = await fit(wish.schema)
  const before = await store.find(tenant, type)
  const last = before && (await store.version(tenant, type, before.latest))
  const compatibility = wish.compatibility ?? before?.compatibility ?? 'backward'
  const isSameSchema = last !== undefined && isSame(last, schema)
  if (before && last !== undefined && isSameSchema && compatibility === before.compatibility)
    return { isNew: false, view: viewOf(before, last) }
  if (last !== undefined) refuseConflicts(conflictsBetween(last, schema, compatibility))
  if (!before && (await store.types(tenant)).length >= typesMax)
    throw new Fault('quota_exceeded', { detail: `A tenant may have ${typesMax} types with a schema.` })
  const isNew = !isSameSchema
  const entry = { type, latest: (before?.latest ?? 0) + (isNew ? 1 : 0), compatibility, changedAtMs: Date.now() }
  if (entry.latest > versionsMax) throw new Fault('conflict', { detail: `A type may have ${versionsMax} versions.` })
  const act = {
    action: isNew ? 'mq.schema.registered' : 'mq.schema.changed',
    target: { type: 'schema', id: type },
    data: { version: entry.latest, compatibility },
  }
  const work = async () => {
    if (!isNew) return store.change(tenant, entry)
    if (!(await store.add(tenant, entry, schema)))
      throw new Fault('conflict', { detail: 'Somebody else registered a version at the same time.' })
  }
  await recorded(ports, who, { act, work })
  ports.schemas.forget(tenant, type)
  await tell(ports, who, {
    type: 'mq.schema.registered',
    subject: type,
    data: { type, version: entry.latest, compatibility },
  })
  return { isNew, view: viewOf(entry, schema) }
}

/** What would become of a schema if it were put, without putting it. */
export async function checkSchema(
  { schemas: { store } }: Pick<QueuePorts, 'schemas'>,
  { tenant, type, wish }: { tenant: string; type: string; wish: SchemaWish },
) {
  const schema = await fit(wish.schema)
  const before = await store.find(tenant, type)
  const last = before && (await store.version(tenant, type, before.latest))
  const compatibility = wish.compatibility ?? before?.compatibility ?? 'backward'
  const conflicts = last === undefined ? [] : conflictsBetween(last, schema, compatibility)
  return { compatible: conflicts.length === 0, compatibility, against: before?.latest ?? null, conflicts }
}

/** The schema, when it can be used; otherwise 422 with where and why. */
async function fit(given: unknown): Promise<Schema> {
  const errors = misfitsOf(given)
  if (errors.length > 0) throw misfit(errors)
  try {
    await compileSchema(given as Schema)
  } catch (error) {
    throw error instanceof SchemaError ? misfit([error.error]) : error
  }
  return given as Schema
}

function misfit(errors: FieldError[]): Fault {
  const told = errors.map(({ path, message }) => ({ path: `/body/schema${path}`, message }))
  return new Fault('validation_failed', { detail: `${told[0]?.path} ${told[0]?.message}.`, errors: told })
}

function refuseConflicts(conflicts: FieldError[]) {
  const [first] = conflicts
  if (!first) return
  const errors = conflicts.map(({ path, message }) => ({ path: `/body/schema${path}`, message }))
  throw new Fault('conflict', { detail: `At ${first.path || 'the top'}, ${first.message}.`, errors })
}
