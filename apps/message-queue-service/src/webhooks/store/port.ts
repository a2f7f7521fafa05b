import type { Ordering } from '@santaclaude/log/port'
import type { Circuit } from '../breaker.ts'
import type { BodyMode } from '../message.ts'
import type { Failure } from '../sender/port.ts'

export interface SubscriptionAddress {
  tenant: string
  id: string
}

/** What a tenant decides about a subscription. */
export interface SubscriptionSettings {
  url: string
  description: string
  /** Event types, exact or beginnings (`ai.*`); empty = every type. */
  types: string[]
  /** A condition in the grammar of the log's filters; null = none. */
  where: string | null
  mode: BodyMode
  /** From the look-up of the endpoint's name to the status of its answer. */
  timeoutMs: number
  /** The pauses before the second, third … attempt. */
  retryMs: number[]
  /** Messages on their way to the endpoint at once. */
  concurrency: number
  /** An endpoint that only failed for this long is disabled; null = never. */
  disableAfterMs: number | null
}

/** `requested`: by its tenant. `gone`: the endpoint answered 410. `failing`: it failed for too long. */
export const disabledReasons = ['requested', 'gone', 'failing', 'topic_deleted'] as const
export type DisabledReason = (typeof disabledReasons)[number]

/** Events of the past that go to the endpoint again, through a group of their own. */
export interface Recovery {
  sinceMs: number
  /** What came later goes its ordinary way. */
  untilMs: number
  state: 'running' | 'finished'
  startedAtMs: number
  endedAtMs: number | null
  /** Events that could not be delivered again; known at the end. */
  failed: number
}

export interface Subscription extends SubscriptionAddress, SubscriptionSettings {
  topic: string
  group: string
  /** The group was made for this subscription, has its filter and its lease, and goes with it. */
  ownsGroup: boolean
  ordering: Ordering
  /** `deleting` is a subscription nobody sees any more, whose group still has to go. */
  status: 'enabled' | 'disabled' | 'deleting'
  disabled: { reason: DisabledReason; atMs: number; isReleased: boolean } | null
  /** Signing keys, newest first, sealed; see `keyring.ts`. */
  sealedKeys: string
  /** What verifies `v1a` signatures, newest first; an old one until the end of its overlap. */
  publicKeys: { key: string; untilMs: number | null }[]
  recovery: Recovery | null
  /** Where a group that is missing begins. */
  startMs: number
  enabledAtMs: number
  createdAtMs: number
  changedAtMs: number
  /** Counts the changes; a change is refused when another one came first. */
  version: number
}

export interface Subscriptions {
  /** Keeps a new one, unless the tenant has `limit` already. */
  create(subscription: Subscription, limit: number): Promise<'created' | 'full'>
  find(address: SubscriptionAddress): Promise<Subscription | undefined>
  /** By id, which is by age. */
  list(tenant: string, page: { limit: number; after?: string }): Promise<Subscription[]>
  /** Puts the changed one in the place of the one it was made from and answers it with its new version; nothing when another change came first. */
  replace(subscription: Subscription): Promise<Subscription | undefined>
  /** Removes it with its attempts and its duty. */
  remove(address: SubscriptionAddress): Promise<void>
  /** Every subscription of every tenant. */
  everywhere(): Promise<SubscriptionAddress[]>
  /** The store's own time, the same for every replica. */
  nowMs(): Promise<number>
}

/** What a replica finds when it takes or renews a duty. */
export type Duty = { state: 'mine'; fence: number; version: number } | { state: 'taken' } | { state: 'gone' }

/** What the owner of a subscription knows of its endpoint; the next owner goes on from it. */
export interface Condition extends Circuit {
  /** The endpoint asked to be left alone until then. */
  holdUntilMs: number | null
  /** Since when there was no success. */
  failingSinceMs: number | null
  atMs: number
}

export interface Duties {
  /**
   * Says that this replica lives (`forMs`; 0 = that it goes) and answers who else does, and a number that changes
   * whenever a subscription comes or goes.
   */
  beat(replica: string, forMs: number): Promise<{ replicas: string[]; census: number }>
  /** Takes the duty for one subscription, or renews it. One replica has it at a time; each new holder's fence is higher. */
  take(address: SubscriptionAddress, holder: { replica: string; holdMs: number }): Promise<Duty>
  /** Gives it back, if it is this replica's. */
  give(address: SubscriptionAddress, replica: string): Promise<void>
  condition(address: SubscriptionAddress): Promise<Condition | undefined>
  /** Whether it was kept: the condition told under a fence that has passed is not. */
  setCondition(address: SubscriptionAddress, condition: Condition, fence: number): Promise<boolean>
}

/** What had an attempt made. */
export const triggers = ['event', 'recovery', 'retry', 'test'] as const
/** What came of the message. `pending`: another attempt follows. */
export const results = ['delivered', 'pending', 'dead', 'failed'] as const

/** One message sent once. */
export interface Attempt {
  atMs: number
  trigger: (typeof triggers)[number]
  /** 1 = the first for this message. */
  number: number
  webhookId: string
  event: { id: string; type: string; source: string }
  /** Where the event lies in the topic; null for one that was made up. */
  place: { partition: number; streamId: string } | null
  url: string
  result: (typeof results)[number]
  status: number | null
  failure: Failure | null
  latencyMs: number
  /** The beginning of the answer. */
  response: string
  nextAtMs: number | null
}

export type KeptAttempt = Attempt & { id: string }

/** Names one message in one group: `<group>/<partition>/<stream id>`. */
export type MessagePlace = string

export interface Attempts {
  /**
   * Keeps an attempt, the newest `keep` of the subscription, and answers it with its id. `tally` sets how many attempts
   * a message has had; 0 forgets it.
   */
  add(
    address: SubscriptionAddress,
    attempt: Attempt,
    options: { keep: number; tally?: { place: MessagePlace; count: number } },
  ): Promise<KeptAttempt>
  /** How many attempts a message has had. */
  tally(address: SubscriptionAddress, place: MessagePlace): Promise<number>
  find(address: SubscriptionAddress, id: string): Promise<KeptAttempt | undefined>
  /** The newest first, older than `before`. */
  list(address: SubscriptionAddress, page: { limit: number; before?: string }): Promise<KeptAttempt[]>
}

/** Where webhooks are kept. Adapters pass `conformance.ts`. */
export interface HookStore {
  subscriptions: Subscriptions
  duties: Duties
  attempts: Attempts
}
