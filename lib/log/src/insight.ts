import type { GroupAddress, LogEntry, TopicAddress } from './port.ts'

/** A place of a topic. */
export interface EntryPlace {
  partition: number
  streamId: string
}

/** Where a group stands in one partition. */
export interface PartitionState {
  partition: number
  /** Not delivered yet, or not known exactly: see {@link GroupLag}. */
  ready: number
  leased: number
  parked: number
  /** Parked behind another event of their key. */
  inLine: number
  dead: number
  /** Until the first lease ends, undefined with none. */
  leaseEndsInMs?: number
  /** Until the first parked entry is due (0 = one is), undefined with none. */
  dueInMs?: number
}

export interface GroupState {
  partitions: PartitionState[]
  /** Somebody does the upkeep. Without it expired leases stay. */
  hasUpkeep: boolean
  /** `refused`: the store takes no writes; `full`: it has no room. */
  store: 'ok' | 'refused' | 'full'
}

/** An entry that was delivered and is not settled. */
export interface PendingEntry extends EntryPlace {
  state: 'leased' | 'parked'
  /** Times it was delivered. */
  deliveries: number
  /** How long it has been in this state, or since its lease was last extended. */
  forMs: number
}

export interface PendingPage {
  /** By partition, then by stream id. */
  entries: PendingEntry[]
  next?: EntryPlace
}

/** One step of a delivery that did not go through at once. */
export interface Attempt {
  atMs: number
  /** Which delivery, 1 = the first. */
  deliveries: number
  /** `acked` is kept only for a redelivery: what went well the first time leaves nothing behind. */
  outcome: 'acked' | 'nacked' | 'expired' | 'dead'
  reason: string
}

/** What one group has done with one entry. */
export interface Footprint {
  group: string
  state: 'ready' | 'leased' | 'parked' | 'dead' | 'settled'
  deliveries?: number
  forMs?: number
  reason?: string
  /** The oldest first; each group remembers about the last thousand of a partition. */
  attempts: Attempt[]
}

/** Looking at one thing closely. Nothing here is on the way of a publish or a first delivery. */
export interface Insight {
  groupState(address: GroupAddress): Promise<GroupState>
  /** What is delivered and not settled. */
  pending(address: GroupAddress, page: { limit: number; after?: EntryPlace }): Promise<PendingPage>
  /**
   * The entry of an event id: at a known place, else by the time a UUIDv7 says, else among the newest. Looks at a bounded
   * number of entries of each partition, so an old event whose id says no time may not be found.
   */
  find(address: TopicAddress, what: { id: string; at?: EntryPlace }): Promise<LogEntry | undefined>
  /** What each group has done with the entry, by group. */
  footprints(address: TopicAddress, at: EntryPlace): Promise<Footprint[]>
}
