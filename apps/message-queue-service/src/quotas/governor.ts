import { within } from '@santaclaude/kit/deadline'
import type { EventLog } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { rateHeaders } from '@santaclaude/service/key-rate'
import type { Caller } from '@santaclaude/service/keys'
import { isPlatformTopic } from '../platform.ts'
import { Lease } from './lease.ts'
import type { Limits, QuotaStore, Rate } from './store/port.ts'

/** How old the knowledge of a tenant's limits and of what it holds may be. */
const staleMs = 5_000
const storeDeadlineMs = 500
const tenantsMax = 10_000

interface Known {
  leases: Record<Rate, Lease>
  limits?: Limits
  limitsAtMs: number
  stored: number
  storedAtMs: number
  isMeasuring: boolean
  streams: number
}

export interface GovernorPorts {
  store: QuotaStore
  log: Pick<EventLog, 'topics' | 'groups' | 'size'>
  defaults: Limits
  onRefused?: (limit: keyof Limits) => void
  /** Milliseconds of a clock that never goes back. */
  nowMs?: () => number
}

/**
 * Holds tenants to their limits. Rates are leased from the shared bucket in slices of a tenth of a second's worth, so a
 * request costs a look at a number in this process; what a tenant stores is measured in the background, and the verdict
 * holds for 5 s. While the store of quotas is away nobody is refused: what needs it fails by itself.
 */
export class Governor {
  private readonly tenants = new Map<string, Known>()
  private readonly nowMs: () => number

  constructor(private readonly ports: GovernorPorts) {
    this.nowMs = ports.nowMs ?? (() => performance.now())
  }

  /**
   * Counts one request; 429 `rate_limited` when the tenant sends too many. A promise only when a slice is used up. The
   * platform's own keys act for everybody and are not counted.
   */
  admit({ tenant, scopes }: Pick<Caller, 'tenant' | 'scopes'>): void | Promise<void> {
    return scopes.has('internal') ? undefined : this.spend(tenant, 'requestsPerSecond', 1)
  }

  /** Counts events to publish: 429 `rate_limited`, or `quota_exceeded` when the tenant's topics hold too many. */
  publish(tenant: string, count: number): void | Promise<void> {
    this.checkStored(tenant)
    return this.spend(tenant, 'eventsPerSecond', count)
  }

  /** Whether the tenant may make one more topic. */
  async topic(tenant: string): Promise<void> {
    const limit = (await this.limits(tenant)).topics
    if (limit === null) return
    if ((await this.ownTopics(tenant)).length >= limit) throw this.full('topics', `${limit} topics`)
  }

  /** Whether the topic may have one more group. */
  async group(address: { tenant: string; topic: string }): Promise<void> {
    const limit = (await this.limits(address.tenant)).groupsPerTopic
    if (limit === null) return
    const groups = await this.ports.log.groups(address)
    if (groups.length >= limit) throw this.full('groupsPerTopic', `${limit} groups in a topic`)
  }

  /** Counts a stream as open until the answer is called. */
  async stream(tenant: string): Promise<() => void> {
    const known = this.known(tenant)
    const limit = (await this.limits(tenant)).streams
    if (limit !== null && known.streams >= limit) throw this.full('streams', `${limit} streams open on a replica`)
    known.streams++
    let isOpen = true
    return () => {
      if (isOpen) known.streams--
      isOpen = false
    }
  }

  /** The limits that hold for the tenant; the defaults while the store is away. */
  async limits(tenant: string): Promise<Limits> {
    const known = this.known(tenant)
    if (known.limits && this.nowMs() - known.limitsAtMs < staleMs) return known.limits
    const read = within(storeDeadlineMs, 'the quotas', this.ports.store.overrides(tenant))
    const overrides = await read.catch(() => known.limits ?? {})
    known.limits = { ...this.ports.defaults, ...overrides }
    known.limitsAtMs = this.nowMs()
    return known.limits
  }

  /** Gives the tenant limits of its own; here they hold at once. */
  async override(tenant: string, limits: Partial<Limits>): Promise<void> {
    await this.ports.store.override(tenant, limits)
    const known = this.tenants.get(tenant)
    if (!known) return
    delete known.limits
    for (const lease of Object.values(known.leases)) lease.end()
  }

  /** How much of its limits the tenant uses now. */
  async use(tenant: string): Promise<{ limits: Limits; use: Record<keyof Limits, number> }> {
    const limits = await this.limits(tenant)
    const topics = await this.ownTopics(tenant)
    const [groups, stored, events, requests] = await Promise.all([
      topics[0] ? Promise.all(topics.slice(0, 100).map((topic) => this.ports.log.groups(topic))) : [],
      this.measured(tenant),
      this.taken(tenant, 'eventsPerSecond', limits),
      this.taken(tenant, 'requestsPerSecond', limits),
    ])
    const use = {
      ...{ eventsPerSecond: events, requestsPerSecond: requests, storedEvents: stored, topics: topics.length },
      ...{ groupsPerTopic: Math.max(0, ...groups.map((some) => some.length)), streams: this.known(tenant).streams },
    }
    return { limits, use }
  }

  private async taken(tenant: string, rate: Rate, { [rate]: perSecond }: Limits): Promise<number> {
    if (perSecond === null) return 0
    const { left } = await this.ports.store.take(tenant, rate, { perSecond, debt: 0, isLook: true })
    return Math.max(0, Math.round(perSecond - left))
  }

  private spend(tenant: string, rate: Rate, count: number): void | Promise<void> {
    const { leases } = this.known(tenant)
    if (leases[rate].spend(count)) return
    return this.spendMore(tenant, rate, count)
  }

  private async spendMore(tenant: string, rate: Rate, count: number): Promise<void> {
    const lease = this.known(tenant).leases[rate]
    const refused = await lease.refillAndSpend(count)
    if (!refused) return
    this.ports.onRefused?.(rate)
    const { waitMs, perSecond } = refused
    const what = rate === 'eventsPerSecond' ? 'publish' : 'send'
    throw new Fault('rate_limited', {
      detail: `This tenant may ${what} ${perSecond} ${rate === 'eventsPerSecond' ? 'events' : 'requests'} a second.`,
      retryAfterMs: waitMs,
      headers: rateHeaders({ limit: perSecond, remaining: 0, resetSeconds: Math.ceil(waitMs / 1000) }),
    })
  }

  private checkStored(tenant: string) {
    const known = this.known(tenant)
    if (this.nowMs() - known.storedAtMs >= staleMs && !known.isMeasuring) void this.measure(tenant, known)
    const limit = known.limits?.storedEvents ?? null
    if (limit !== null && known.stored >= limit) throw this.full('storedEvents', `${limit} stored events`, staleMs)
  }

  /** A look at every topic, with a pause that grows with what the look cost. */
  private async measure(tenant: string, known: Known): Promise<void> {
    known.isMeasuring = true
    const startedMs = this.nowMs()
    try {
      if ((await this.limits(tenant)).storedEvents !== null) known.stored = await this.measured(tenant)
    } catch {
      // The old verdict stays until the log answers again.
    } finally {
      known.isMeasuring = false
      const tookMs = this.nowMs() - startedMs
      known.storedAtMs = this.nowMs() + Math.max(0, tookMs * 50 - staleMs)
    }
  }

  private async measured(tenant: string): Promise<number> {
    let stored = 0
    const topics = await this.ownTopics(tenant)
    for (let at = 0; at < topics.length; at += 32) {
      const sizes = topics.slice(at, at + 32).map((topic) => this.ports.log.size(topic).catch(() => 0))
      stored += (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    }
    return stored
  }

  private async ownTopics(tenant: string) {
    return (await this.ports.log.topics(tenant)).filter(({ topic }) => !isPlatformTopic(topic))
  }

  private full(limit: keyof Limits, said: string, retryAfterMs = 60_000): Fault {
    this.ports.onRefused?.(limit)
    return new Fault('quota_exceeded', { detail: `This tenant may have ${said}.`, retryAfterMs })
  }

  private known(tenant: string): Known {
    const found = this.tenants.get(tenant)
    if (found) return found
    if (this.tenants.size >= tenantsMax) this.forgetIdle()
    const known: Known = {
      leases: {
        eventsPerSecond: this.lease(tenant, 'eventsPerSecond'),
        requestsPerSecond: this.lease(tenant, 'requestsPerSecond'),
      },
      ...{ limitsAtMs: 0, stored: 0, storedAtMs: Number.NEGATIVE_INFINITY, isMeasuring: false, streams: 0 },
    }
    this.tenants.set(tenant, known)
    return known
  }

  private lease(tenant: string, rate: Rate) {
    const perSecond = this.ports.defaults[rate]
    const take = (debt: number) =>
      within(storeDeadlineMs, 'the quotas', this.ports.store.take(tenant, rate, { perSecond, debt }))
    return new Lease(take, this.nowMs)
  }

  private forgetIdle() {
    for (const [tenant, { streams }] of this.tenants) if (streams === 0) this.tenants.delete(tenant)
  }
}
