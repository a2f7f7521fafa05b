import type { Insight } from './insight.ts'
import type { Repair } from './repair.ts'

/**
 * The event log that everything rides on, as its callers see it. `redis-streams.ts` is the real one, `memory.ts` serves
 * unit tests; both pass `conformance.ts`.
 *
 * A topic belongs to a tenant and has a number of partitions that can grow. Order holds within a partition, and for the
 * events of one key also across growth. An entry is named by
 * its partition and its stream id (`<Redis ms>-<sequence>`, strictly increasing within a partition's epoch).
 */
export interface TopicAddress {
  tenant: string
  topic: string
}

export interface GroupAddress extends TopicAddress {
  group: string
}

/** One CloudEvent on its way in. What the log does not need to look at stays text, so it comes out byte for byte. */
export interface NewEvent {
  id: string
  source: string
  type: string
  /** The payload as JSON text; absent = an event without data. */
  dataJson?: string
  /** Events with one key keep their order (they share a partition). */
  partitionkey?: string
  /** Every other CloudEvents attribute: `time`, `subject`, `datacontenttype`, `data_base64`, extensions. */
  attributes?: Record<string, string | number | boolean>
  /** Within the topic's window a second append under this key answers the first one's place instead of adding an entry. */
  idempotency?: { key: string; bodyHash: string }
  /**
   * Not delivered any more this long after it became readable, in milliseconds. It is kept as the CloudEvents attribute
   * `expirytime`, which a publisher may also set itself.
   */
  ttlMs?: number
}

/** One CloudEvent as it lies in the log. `event.ts` turns it into its JSON form. */
export interface LogEvent {
  id: string
  source: string
  type: string
  partitionkey?: string
  /** JSON object text of the other attributes, `{}` when there are none. */
  attributesJson: string
  dataJson?: string
}

export interface LogEntry {
  partition: number
  streamId: string
  event: LogEvent
}

/**
 * How safe a write is. `memory`: Redis has it. `aof`: it is in the append-only file, so a killed Redis brings it back.
 * `fsync`: it is on disk, so a lost machine brings it back. `replicas`: how many replicas said that they have it.
 */
export interface Durability {
  level: 'memory' | 'aof' | 'fsync'
  replicas: number
}

/** `durability` is what was reached, never less than what was asked for. */
export type Appended =
  | { ok: true; partition: number; streamId: string; epoch: string; isDuplicate: boolean; durability: Durability }
  | { ok: false; code: 'idempotency_conflict' | 'topic_full' }

export interface AppendOptions {
  /** Makes a missing topic with default settings, or these. */
  create?: boolean | TopicChange
  /** The least that must be reached before the answer; the server's own standard unless said. */
  durability?: Partial<Durability>
  /** All events or none. They must share a partition (one key, or a topic of one partition); at most {@link WHOLE_MAX}. */
  isAtomic?: boolean
  /** Only when this is the last id the partition has given (`0-0` = none yet). Implies `isAtomic`. */
  expectedLastId?: string
}

/** When an event becomes readable: after a while, or at a time of the Unix clock. Both are Redis's time. */
export type Due = { delayMs: number } | { atMs: number }

/** One event that waits. It has no place in the log before it is due; then it is appended to this partition. */
export type Delayed =
  | { ok: true; partition: number; dueAtMs: number; isDuplicate: boolean; durability: Durability }
  | { ok: false; code: 'idempotency_conflict' | 'topic_full' }

/** The most events of one atomic append. */
export const WHOLE_MAX = 1_000

export interface Retention {
  /** Entries older than this may go; null = no limit by age. */
  maxAgeMs: number | null
  /** More entries than this in the topic and the oldest may go; null = no limit by count. */
  maxEvents: number | null
  /** More bytes than this in Redis, overhead included, and the oldest may go; null = no limit by size. */
  maxBytes: number | null
  /** With no group there is nobody who settles: true keeps everything until a group exists and has settled it. */
  keepUntilSettled: boolean
  /**
   * What gives way at the limits of count and size, each of which is shared equally by the partitions. `old-acked`: the
   * oldest that every group has settled; what is not settled stays and the topic grows. `reject`: the same, but a publish
   * that finds no room is refused with `topic_full` (with no group, nothing counts as settled). `old-unsafe`: the oldest,
   * settled or not.
   */
  discard: 'old-acked' | 'reject' | 'old-unsafe'
}

/** What becomes of an event whose data does not fit the schema of its type. The log only keeps the word. */
export type SchemaMode = 'off' | 'warn' | 'enforce'

export interface TopicSettings {
  partitions: number
  retention: Retention
  /** How long an idempotency key is remembered at least, in milliseconds. */
  idempotencyWindowMs: number
  schema: SchemaMode
}

/** `partitions` counts those of every generation: all that may hold events. */
export interface Topic extends TopicAddress, TopicSettings {
  createdAtMs: number
  /** How many partitions each generation has, oldest first; only those of the last one take events. */
  generations: number[]
  grownAtMs?: number
}

/** The parts of {@link TopicSettings} a caller may leave out; what is absent takes its default (create) or stays (change). */
export interface TopicChange {
  partitions?: number
  retention?: Partial<Retention>
  idempotencyWindowMs?: number
  schema?: SchemaMode
}

/** Where reading starts: after a cursor, at one end, or at the first entry not older than a time. */
export type Start = { cursor: string } | { at: 'earliest' | 'latest' } | { sinceMs: number }

/** A place that is gone. Reading goes on at `to`; what lay between `from` and `to` was not seen. */
export interface Gap {
  partition: number
  /** `trimmed`: retention removed entries. `epoch_changed`: the partition lost data or was made anew. */
  reason: 'trimmed' | 'epoch_changed'
  /** The stream id the reader stood at. */
  from: string
  /** The stream id after which reading goes on. */
  to: string
}

export interface Page {
  /** In stream-id order over all partitions. */
  entries: LogEntry[]
  /** Where the next page starts; keep it as it is. */
  cursor: string
  /** Nothing more lay in the log when this page was read. */
  isEnd: boolean
  gaps: Gap[]
}

export interface PartitionPage {
  entries: LogEntry[]
  epoch: string
  /** The last id retention has removed, `0-0` for none. Greater than where you stood = entries were missed. */
  trimmedTo: string
}

export type TailItem =
  | { kind: 'ready'; cursor: string }
  | { kind: 'entry'; entry: LogEntry; cursor: string }
  | { kind: 'gap'; gap: Gap; cursor: string }

export interface GroupSettings {
  /** How long a delivery is kept from others without an answer, in milliseconds. */
  leaseMs: number
  /** After this many deliveries without an ack the entry moves to the group's dead letters. */
  deliveriesMax: number
  /** The pause before redelivery number n is `backoffMs[n - 1]`, the last one repeating; empty = at once. */
  backoffMs: number[]
  /** Deliveries under lease at once, over all consumers and partitions, at most; null = any number. */
  inFlightMax: number | null
  /**
   * `key`: of the events of one partition key only the oldest unsettled one is ever delivered, so they are worked on in
   * order, also across nacks and crashes; events without a key run free. `partition`: the same for a whole partition.
   * Fixed when the group is made.
   */
  ordering: Ordering
  /** Which events the group wants; the others count as settled. null = all. */
  filter: Filter | null
  /** While true nothing is handed out; what is under lease can still be settled. */
  isPaused: boolean
}

export type Ordering = 'none' | 'key' | 'partition'

/** Both parts must fit. `filter.ts` compiles it; the grammar is in `filter-grammar.ts`. */
export interface Filter {
  /** Event types: exact, or a prefix that ends in `.*` (`ai.*`); `*` fits every one. Any one of them must fit. */
  types?: string[]
  /** A condition on the event's attributes and data, such as `data.total >= 100 and not exists data.test`. */
  where?: string
}

export interface Group extends GroupAddress, GroupSettings {
  createdAtMs: number
}

export interface Delivery {
  entry: LogEntry
  /** Names this delivery of this entry; settles it once and only while the lease is still ours. Opaque. */
  receipt: string
  /** 1 = the first. */
  deliveries: number
}

export type Settlement =
  | { op: 'ack'; receipt: string }
  /** Give it back; `delayMs` overrides the group's backoff. */
  | { op: 'nack'; receipt: string; delayMs?: number; reason?: string }
  /** The lease starts anew, for `leaseMs` or the group's. */
  | { op: 'extend'; receipt: string; leaseMs?: number }
  /** Give it back unseen: this delivery does not count. */
  | { op: 'release'; receipt: string }
  /** Never deliver it again: it moves to the dead letters now. */
  | { op: 'term'; receipt: string; reason?: string }

/** `isDead`: this settlement moved the entry to the dead letters. */
export type Settled =
  | { receipt: string; ok: true; isDead: boolean }
  | { receipt: string; ok: false; code: 'lease_lost' | 'bad_receipt' }

export interface DeadLetter {
  /** The place in the dead letters. */
  streamId: string
  /** The entry as it was, under its original id. */
  entry: LogEntry
  deliveries: number
  reason: string
  deadAtMs: number
}

export interface GroupLag {
  /** Not delivered to the group yet. */
  ready: number
  /** Delivered, lease running. */
  leased: number
  /** Given back or expired, waiting for redelivery. */
  parked: number
  dead: number
  /** Settled by the group's filter, ever. */
  filtered: number
  /** Settled because they had outlived their time before they could be delivered, ever. */
  expired: number
  /** Age of the oldest entry that is not settled, 0 when all are. */
  oldestUnsettledMs: number
}

/** Where a group is moved: a {@link Start}, or in one partition so that this entry is delivered next. */
export type Seek = Start | { partition: number; streamId: string }

export interface PullOptions {
  max: number
  waitMs: number
  signal?: AbortSignal
  /** The lease of these deliveries, instead of the group's. */
  leaseMs?: number
  /** Payload and attributes of all entries together at most; the first one is given whatever its size. */
  bytesMax?: number
}

/** What one round of upkeep did. `lost` counts entries that were gone before their group had settled them; it should stay 0. */
export interface Sweep {
  isOwner: boolean
  expired: number
  dead: number
  trimmed: number
  /** Of the trimmed, those that were not settled: only where the topic says `old-unsafe`. */
  dropped: number
  lost: number
  /**
   * Events missing from the books of groups, or there too often, over all partitions this owner has checked lately: what was
   * published must be settled, dead, ready, leased, parked or trimmed. It must be 0.
   */
  unbalanced: number
  /** The groups whose entries died or were lost. */
  troubles: { group: GroupAddress; dead: number; lost: number }[]
}

/**
 * All times are Redis's, never this process's. Every method rejects with a {@link LogError}; outcomes a caller must look
 * at are values.
 */
export interface EventLog extends Repair, Insight {
  /** Creates the topic, or answers the one that is there, unchanged (`isNew` says which). */
  createTopic(address: TopicAddress, settings?: TopicChange): Promise<Topic & { isNew: boolean }>
  /**
   * Changes what the change names. `partitions` is how many take events from now on: more than before, or `conflict`
   * (the events of a key would have to move to a partition that others have read past). What lies in the partitions
   * before stays there, and a group is given it first.
   */
  changeTopic(address: TopicAddress, change: TopicChange): Promise<Topic | undefined>
  topic(address: TopicAddress): Promise<Topic | undefined>
  /** By name. */
  topics(tenant: string): Promise<Topic[]>
  /** Deletes the topic with its events, groups and dead letters. Whether it was there. */
  deleteTopic(address: TopicAddress): Promise<boolean>
  /** How many entries the topic holds now. */
  size(address: TopicAddress): Promise<number>

  /**
   * Adds events in order and answers once Redis has taken them, one outcome per event. Appends of all callers travel
   * together in small batches. Rejects with `durability_unavailable` before anything is kept when the server cannot give
   * what was asked for; an atomic append is refused as a whole with `idempotency_conflict`, `topic_full`,
   * `expected_id_mismatch` or `several_partitions`.
   * `outcome_unknown` means the connection broke after sending: the events are in the log either once or not at all;
   * only repeat with the same idempotency key.
   */
  append(address: TopicAddress, events: NewEvent[], options?: AppendOptions): Promise<Appended[]>
  /** Keeps events, as safe as appended ones, until they are due; {@link promote} makes them readable then. */
  appendLater(
    address: TopicAddress,
    events: NewEvent[],
    options: Pick<AppendOptions, 'create' | 'durability'> & { due: Due },
  ): Promise<Delayed[]>
  /** How many events of the topic wait until they are due. */
  delayed(address: TopicAddress): Promise<number>
  /**
   * Makes delayed events of every topic readable when they are due, each once however many processes do this at once.
   * Waits up to `waitMs` for the first; answers how many there were.
   */
  promote(options: { waitMs: number; signal?: AbortSignal }): Promise<number>
  /** One page of what lies in the log, without a group. */
  read(address: TopicAddress, options: { from: Start; limit: number }): Promise<Page>
  /** The entries of one partition after a stream id (`0-0` = from the start), strictly in order, for readers that keep their own place. */
  readPartition(
    address: TopicAddress,
    options: { partition: number; after: string; limit: number },
  ): Promise<PartitionPage>
  /** Follows the topic until the signal aborts: `ready` first, then entries as they come. A slow reader costs bounded memory. */
  tail(address: TopicAddress, options: { from: Start; signal: AbortSignal }): AsyncIterable<TailItem>
  /** Resolves when something may have been added to the topic, when `waitMs` passed, or when the signal aborts. */
  changed(address: TopicAddress, options: { waitMs: number; signal?: AbortSignal }): Promise<void>

  /** Creates the group at `start` (default earliest), or changes the settings of the one that is there. */
  putGroup(
    address: GroupAddress,
    settings?: Partial<GroupSettings> & { start?: Start },
  ): Promise<Group & { isNew: boolean }>
  group(address: GroupAddress): Promise<Group | undefined>
  groups(address: TopicAddress): Promise<Group[]>
  deleteGroup(address: GroupAddress): Promise<boolean>
  /** Up to `max` entries under lease, waiting up to `waitMs` for the first; empty when none came. */
  pull(address: GroupAddress, options: PullOptions): Promise<Delivery[]>
  /** One outcome per settlement, in order. A receipt of an earlier delivery is answered `lease_lost` and changes nothing. */
  settle(address: GroupAddress, settlements: Settlement[]): Promise<Settled[]>
  /**
   * For a group whose reader keeps its own place with {@link readPartition}: everything up to `streamId` (`count` entries
   * since the last checkpoint) is settled, so retention may remove it. Do not mix with `pull` in one group.
   */
  checkpoint(address: GroupAddress, place: { partition: number; streamId: string; count: number }): Promise<void>
  /** Whether each receipt still holds its lease, in order. */
  holds(address: GroupAddress, receipts: string[]): Promise<boolean[]>
  /**
   * Moves the group. What was leased or parked in the partitions it moves in is given up: receipts from before answer
   * `lease_lost`. Dead letters stay. A cursor of another epoch is refused with `epoch_changed`, one whose place retention
   * has passed with `cursor_expired`.
   */
  seek(address: GroupAddress, to: Seek): Promise<void>
  lag(address: GroupAddress): Promise<GroupLag>

  /** One round of upkeep over every topic: expired leases, dead letters, retention. One process at a time does the work. */
  sweep(): Promise<Sweep>
  /** Resolves when the path that appends use answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

export type LogErrorCode =
  | 'store_unavailable'
  | 'outcome_unknown'
  | 'storage_full'
  | 'topic_not_found'
  | 'group_not_found'
  | 'event_too_large'
  | 'bad_cursor'
  | 'cursor_expired'
  | 'epoch_changed'
  | 'invalid_filter'
  | 'conflict'
  | 'bad_name'
  | 'durability_unavailable'
  | 'idempotency_conflict'
  | 'topic_full'
  | 'expected_id_mismatch'
  | 'several_partitions'

/** `store_unavailable`: nothing was done. `outcome_unknown`: it may have been done. */
export class LogError extends Error {
  /** The code of the services' closed list of faults that this is answered with. */
  get faultCode() {
    return this.code === 'bad_name' ? 'validation_failed' : this.code
  }

  constructor(
    readonly code: LogErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
    this.name = 'LogError'
  }
}
