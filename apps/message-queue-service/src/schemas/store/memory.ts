import type { Schema } from '../judge.ts'
import type { SchemaStore, TypeEntry } from './port.ts'

/** Schemas of one process, for tests. */
export function schemasInMemory(): SchemaStore {
  const tenants = new Map<string, Map<string, { entry: TypeEntry; versions: Map<number, Schema> }>>()
  const of = (tenant: string) => {
    const found = tenants.get(tenant) ?? new Map()
    tenants.set(tenant, found)
    return found as NonNullable<ReturnType<typeof tenants.get>>
  }
  return {
    types: async (tenant) => [...of(tenant).values()].map(({ entry }) => entry).sort(byType),
    find: async (tenant, type) => of(tenant).get(type)?.entry,
    version: async (tenant, type, version) => of(tenant).get(type)?.versions.get(version),
    add: async (tenant, entry, schema) => {
      const versions = of(tenant).get(entry.type)?.versions ?? new Map<number, Schema>()
      if (versions.has(entry.latest)) return false
      versions.set(entry.latest, schema)
      of(tenant).set(entry.type, { entry, versions })
      return true
    },
    change: async (tenant, entry) => {
      const found = of(tenant).get(entry.type)
      if (found) found.entry = entry
    },
    remove: async (tenant, type) => of(tenant).delete(type),
  }
}

const byType = (a: TypeEntry, b: TypeEntry) => (a.type < b.type ? -1 : 1)
