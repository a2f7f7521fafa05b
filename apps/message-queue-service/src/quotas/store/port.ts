/** What a tenant may use. null = no limit. */
export interface Limits {
  /** Events published per second, over all replicas. */
  eventsPerSecond: number | null
  /** Requests of any kind per second, over all replicas. */
  requestsPerSecond: number | null
  /** Events that its topics hold together. */
  storedEvents: number | null
  /** Topics of its own; the platform's do not count. */
  topics: number | null
  groupsPerTopic: number | null
  /** Streams and sockets open at once, on each replica. */
  streams: number | null
}

export type Rate = 'eventsPerSecond' | 'requestsPerSecond'

/** What was taken out of a shared bucket. */
export interface Taken {
  /** Null = the rate has no limit. */
  granted: number | null
  /** With nothing granted: how long until there is something, in milliseconds. */
  waitMs: number
  /** The rate that holds for the tenant now. */
  perSecond: number | null
  /** What is left in the bucket; below 0 = debt. */
  left: number
}

/**
 * Where the replicas share the tenants' limits and token buckets. A bucket holds one second's worth. All reject when the
 * store cannot be reached.
 */
export interface QuotaStore {
  /** What differs from the defaults for this tenant. */
  overrides(tenant: string): Promise<Partial<Limits>>
  /** Replaces what differs from the defaults; an empty object restores them. */
  override(tenant: string, limits: Partial<Limits>): Promise<void>
  /**
   * Pays `debt` (what was spent beyond earlier grants) and takes a slice: a tenth of a second's worth, at least 1, or
   * what is left. With `isLook` nothing is taken.
   */
  take(tenant: string, rate: Rate, about: { perSecond: number | null; debt: number; isLook?: boolean }): Promise<Taken>
}
