import type { AuditOutcome, AuditRecord } from '@santaclaude/audit/record'

/** Where an entry lies in the `audit` topic. */
export interface Place {
  partition: number
  /** Names one life of the partition: ids are only comparable within it. */
  epoch: string
  /** `<Redis ms>-<sequence>`. */
  streamId: string
}

/** A record on its way into the store. */
export interface Row {
  place: Place
  record: AuditRecord
  /** The canonical text the record was read from: what is hashed, kept as it is. */
  text: string
}

/** An entry of the topic that is no record, kept with the reason. */
export interface Poison {
  place: Place
  /** The tenant whose partition key it came under, '' when there was none. */
  tenant: string
  eventId: string
  reason: string
  text: string
}

/** A record as the store has it. */
export interface StoredRecord {
  record: AuditRecord
  /** When the log took it, in milliseconds since the epoch. */
  receivedAtMs: number
  position: Position
}

/** A place in a tenant's records, in the order they are listed: by time, then as they were appended. */
export interface Position {
  occurredAtMs: number
  logMs: number
  logSeq: number
  id: string
}

/** What to look for; every given part must match. Always within one tenant. */
export interface Filter {
  tenant: string
  /** Inclusive, milliseconds since the epoch. */
  fromMs?: number
  /** Exclusive, milliseconds since the epoch. */
  toMs?: number
  actorType?: string
  actorId?: string
  /** The action itself, or a beginning of it when it ends in `*`. */
  action?: string
  outcome?: AuditOutcome
  targetType?: string
  targetId?: string
  sessionId?: string
  requestId?: string
  traceId?: string
  source?: string
  /** Text that occurs anywhere in the record, upper and lower case alike. */
  text?: string
}

export interface SearchOptions {
  order: 'newest' | 'oldest'
  /** Only what comes after this position in the order asked for. */
  after?: Position
  limit: number
}

/** The most rows of one insert: beyond it the embedded engine's memory grows faster than its speed. */
export const insertRowsMax = 10_000

/** What the writer needs. All methods reject with {@link StoreError}. */
export interface Ledger {
  /**
   * Adds the rows in one step: all or none. The same token and rows again add nothing, also when the first attempt is
   * still on its way. 1 to 10,000 rows of one calendar month (UTC) of the log.
   */
  insert(rows: Row[], token: string): Promise<void>
  /** As `insert`, for what is no record. */
  quarantine(poison: Poison[], token: string): Promise<void>
  /** The greatest stream id stored of a partition, by epoch, and over all epochs. Empty when nothing is stored. */
  places(partition: number): Promise<{ epoch: string; streamId: string }[]>
  /** Which entries of a span of a partition (both ends inclusive) are stored, in any epoch, as {@link entryKey}. */
  present(span: { partition: number; first: string; last: string }): Promise<Set<string>>
  /** The stored canonical texts of these ids, by `<tenant>/<id>`. */
  known(ids: { tenant: string; id: string }[]): Promise<Map<string, string>>
}

/** What the routes need. All methods reject with {@link StoreError}. */
export interface Archive {
  search(filter: Filter, options: SearchOptions): Promise<StoredRecord[]>
  find(tenant: string, id: string): Promise<StoredRecord | undefined>
  /** The newest entries in quarantine of a tenant. */
  quarantined(tenant: string, options: { limit: number }): Promise<(Poison & { receivedAtMs: number })[]>
}

/** The audit store: append-only, one adapter ({@link file://./clickhouse.ts}) over two engines. */
export interface AuditStore extends Ledger, Archive {
  /** Who writes through this store, for leases; another process has the same only when it cannot be open in both. */
  readonly writerId: string
  /** Makes or updates the tables. Anything else works only after it has resolved once; it may be called again. */
  prepare(): Promise<void>
  /** Resolves when the path the routes read through answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** How `present` names an entry: a stream id may come again after a partition lost data, with another record. */
export const entryKey = (streamId: string, id: string) => `${streamId}/${id}`

/**
 * `unavailable`: it may or may not have happened, try again. `rejected`: the engine will never take this.
 * `too_slow`: the query ran into its limit of time or memory.
 */
export class StoreError extends Error {
  /** The code of the closed list of faults this is answered with. */
  get faultCode() {
    return this.code === 'too_slow' ? 'deadline_exceeded' : 'store_unavailable'
  }
  constructor(
    readonly code: 'unavailable' | 'rejected' | 'too_slow',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
    this.name = 'StoreError'
  }
}
