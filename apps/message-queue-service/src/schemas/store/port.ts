import type { Compatibility } from '../compatible.ts'
import type { Schema } from '../judge.ts'

/** What is registered for one event type. */
export interface TypeEntry {
  type: string
  /** The version that holds; 1 = the first. */
  latest: number
  compatibility: Compatibility
  changedAtMs: number
}

/** Where the schemas of event types are kept, by tenant. All reject when the store cannot be reached. */
export interface SchemaStore {
  /** By type. */
  types(tenant: string): Promise<TypeEntry[]>
  find(tenant: string, type: string): Promise<TypeEntry | undefined>
  version(tenant: string, type: string, version: number): Promise<Schema | undefined>
  /** Keeps the schema as version `entry.latest`; false = somebody was faster and that version is taken. */
  add(tenant: string, entry: TypeEntry, schema: Schema): Promise<boolean>
  /** Changes what is said of the type, not its versions. */
  change(tenant: string, entry: TypeEntry): Promise<void>
  /** Removes the type with all versions. Whether it was there. */
  remove(tenant: string, type: string): Promise<boolean>
}
