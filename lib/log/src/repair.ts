import type { DeadLetter, Filter, GroupAddress, TopicAddress } from './port.ts'

/** A place among a group's dead letters. */
export interface DeadPlace {
  partition: number
  streamId: string
}

/** Which dead letters; what is left out asks for nothing. */
export interface DeadFilter {
  filter?: Filter
  /** A text that stands somewhere in the reason. */
  reason?: string
  /** Died at this time or later, and before that one, by Redis's clock. */
  sinceMs?: number
  untilMs?: number
}

export interface DeadWish extends DeadFilter {
  limit: number
  /** The `next` of the page before, in the same order. */
  after?: DeadPlace
  /** `newest` unless said. */
  order?: 'newest' | 'oldest'
}

export interface DeadPage {
  letters: DeadLetter[]
  /** Absent when nothing more lies behind. A page looks at a bounded number of letters, so one with a `next` may be short. */
  next?: DeadPlace
}

export interface RedriveOrder {
  places: DeadPlace[]
  /** A topic of the tenant; the group they died in unless said. */
  topic?: string
  /** Counts what is moved under this name, in the same step. */
  tally?: string
}

/** Mending what went wrong. */
export interface Repair {
  /** A page of a group's dead letters over all partitions. */
  deadLetters(address: GroupAddress, wish: DeadWish): Promise<DeadPage>
  /** Removes dead letters for good. How many were still there. */
  deleteDeadLetters(address: GroupAddress, places: DeadPlace[]): Promise<number>
  /**
   * Moves dead letters back, each in one step, and answers how many were still there. Into their group: under their own
   * stream id where the topic still holds the entry, so no other group sees it again; else as a new entry for this group
   * alone, with the attributes `mqoriginalid` (the old stream id) and `mqgroup`. Into a topic: as a new entry with
   * `mqoriginalid` and `mqoriginaltopic`. The event keeps its id, and its count of deliveries begins anew.
   */
  redrive(address: GroupAddress, order: RedriveOrder): Promise<number>
  /** What has been moved under a tally, over all partitions. */
  redriven(address: GroupAddress, tally: string): Promise<number>
  /** Forgets a tally. */
  dropTally(address: TopicAddress, tally: string): Promise<void>
}
