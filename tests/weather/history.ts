/**
 * What one run did and saw, as plain values: the harness writes it, the rules read it. Times are milliseconds of one
 * monotonic clock; an act spans from the moment it was sent to the moment its answer was there.
 */
export interface History {
  seed: number
  topics: TopicFact[]
  groups: GroupFact[]
  acts: Act[]
  faults: Fault[]
  /** What lay there when all was over: faults healed, groups drained. */
  end: { topics: TopicEnd[]; groups: GroupEnd[] }
}

export interface TopicAt {
  tenant: string
  topic: string
}
export interface GroupAt extends TopicAt {
  group: string
}

export interface TopicFact extends TopicAt {
  /** Retention removes nothing here. */
  keepsAll: boolean
}

export interface GroupFact extends GroupAt {
  leaseMs: number
  deliveriesMax: number
  ordering: 'none' | 'key'
  /** It began at the earliest event and was there the whole time, so it is owed every event. */
  isSteady: boolean
}

interface Span {
  startMs: number
  endMs: number
}

/** `refused`: the answer says that nothing was done. `unknown`: it may have been done (no answer, or one that says so). */
export type Outcome = 'ok' | 'refused' | 'unknown'

/** `<partition>/<stream id>` */
export type Place = string

export interface Publish extends Span, TopicAt {
  kind: 'publish'
  outcome: Outcome
  code?: string
  /** The event ids, unique over the whole history; a retry names the same ones. */
  ids: string[]
  partitionkey?: string
  /** It asked for a delay of so many milliseconds; then the answer names no place. */
  delayMs?: number
  /** One per event when the outcome is ok and nothing was delayed. */
  results: { place: Place; isDuplicate: boolean }[]
}

export interface Delivered {
  id: string
  place: Place
  /** The how-manieth delivery the service says it is. */
  n: number
  receipt: string
}

export interface Pull extends Span, GroupAt {
  kind: 'pull'
  outcome: Outcome
  code?: string
  /** How long it was ready to wait for the first event. */
  waitMs: number
  deliveries: Delivered[]
}

export type SettleOp = 'ack' | 'nack' | 'extend' | 'term'

export interface Settle extends Span, GroupAt {
  kind: 'settle'
  outcome: Outcome
  code?: string
  items: { receipt: string; op: SettleOp; delayMs?: number; result: 'ok' | 'dead' | 'lost' | 'unknown' }[]
}

/** One frame of a live stream. A session is one reader across all its reconnects; it begins at the earliest event. */
export interface Frame extends Span, TopicAt {
  kind: 'frame'
  session: string
  entry?: { id: string; place: Place }
  /** A reset: what lay after `from` up to `to` was not seen. */
  gap?: { partition: number; from: string; to: string; isNewEpoch: boolean }
}

/** Something the service said to a tenant (an error, a metric): no other tenant's name may be in it. */
export interface Said extends Span {
  kind: 'said'
  tenant: string
  text: string
}

/** How long the service took to be ready again by itself. */
export interface Recovery extends Span {
  kind: 'recovery'
  after: string
}

/** A wish to move the dead letters of a group back into it; they come when the service gets to them. */
export interface Redrive extends Span, GroupAt {
  kind: 'redrive'
  outcome: Outcome
}

export type Act = Redrive | Publish | Pull | Settle | Frame | Said | Recovery

export interface Fault extends Span {
  name: string
  /** `tail`: the newest writes may be gone. `all`: everything may be gone. */
  loses?: 'tail' | 'all'
  /** Groups forget what was settled since upkeep last noted it, and count deliveries anew. */
  forgets?: boolean
  /** The service could not hand back what it had leased: it was killed, or its answer went nowhere. */
  strands?: boolean
}

export interface TopicEnd extends TopicAt {
  /** In the order read. */
  entries: { id: string; place: Place }[]
}

export interface GroupEnd extends GroupAt {
  lag: { ready: number; leased: number; parked: number; dead: number }
  deadLetters: { id: string; place: Place }[]
}

export const topicId = ({ tenant, topic }: TopicAt) => `${tenant}/${topic}`
export const groupId = ({ tenant, topic, group }: GroupAt) => `${tenant}/${topic}/${group}`
export const partitionOfPlace = (place: Place) => Number(place.slice(0, place.indexOf('/')))
export const streamIdOf = (place: Place) => place.slice(place.indexOf('/') + 1)

/** Below 0 when `a` lies before `b`; only of places in one partition. */
export function comparePlaces(a: Place, b: Place): number {
  const [aMs, aSequence] = streamIdOf(a).split('-').map(Number) as [number, number]
  const [bMs, bSequence] = streamIdOf(b).split('-').map(Number) as [number, number]
  return aMs - bMs || aSequence - bSequence
}
