import { FairLine } from '@santaclaude/kit/fair-line'
import type { Redis } from 'ioredis'
import { saysRedis } from './faults.ts'
import { bellOf, life, ownerKeys, partitionKeys } from './names.ts'
import type { Sweep, Topic } from './port.ts'
import type { Promoter } from './promoting.ts'
import { retain } from './retaining.ts'
import { runScript } from './scripts.ts'
import type { StoredGroup, Topics } from './topics.ts'

/** How long ownership lasts without a renewal; the longest upkeep stands still when its owner dies. */
const OWN_MS = 3_000
/** Steps of one retention pass over a partition, so a huge excess does not hold up the others. */
const TRIM_STEPS_MAX = 40
/** Partitions looked after at once. */
const WIDTH = 64

/** Does the jobs, tenant by tenant, a few at once; one that takes long holds up no other. */
async function inTurn(jobs: FairLine<() => Promise<void>>): Promise<void> {
  const failures: unknown[] = []
  const worker = async () => {
    for (let job = jobs.next(); job && failures.length === 0; job = jobs.next())
      await job().catch((error) => failures.push(error))
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, jobs.length) }, worker))
  if (failures.length > 0) throw failures[0]
}

/**
 * Upkeep of every topic: expired leases go back or die, retention is applied. One process at a time owns it; each owner's
 * fence is higher than the last one's, and the scripts refuse a fence below what a partition has seen, so an owner that
 * was frozen and wakes up late does nothing.
 */
export class Sweeper {
  private readonly token = life() + life()
  /** When a group's partition is worth the next look: idle groups cost one script per lease. */
  private readonly nextAtMs = new Map<string, number>()
  private trimAtMs = 0

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
    private readonly promoter: Promoter,
    private readonly trimEveryMs = 5_000,
  ) {}

  async sweep(): Promise<Sweep> {
    const report: Sweep = { isOwner: true, expired: 0, dead: 0, trimmed: 0, dropped: 0, lost: 0, troubles: [] }
    const fence = await runScript<number>(this.redis, 'own', ownerKeys, [this.token, OWN_MS])
    if (fence === 0) {
      this.nextAtMs.clear()
      return { ...report, isOwner: false }
    }
    const nowMs = performance.now()
    const trims = nowMs >= this.trimAtMs
    if (trims) this.trimAtMs = nowMs + this.trimEveryMs
    const jobs = new FairLine<() => Promise<void>>()
    const seen = new Set<string>()
    for (const tenant of await this.topics.tenants()) {
      const [topics, groups] = await Promise.all([this.topics.list(tenant), this.topics.groupsOfTenant(tenant)])
      const byName = new Map(topics.map((topic) => [topic.topic, topic]))
      for (const group of groups)
        for (let partition = 0; partition < (byName.get(group.topic)?.partitions ?? 0); partition++) {
          const id = `${tenant}/${group.topic}/${group.group}/${partition}`
          seen.add(id)
          const shortestMs = Math.min(group.leaseMs, group.shortestMs ?? group.leaseMs)
          const nextAtMs = this.nextAtMs.get(id) ?? 0
          if (nextAtMs <= nowMs || nextAtMs - nowMs > shortestMs)
            jobs.add(tenant, () => this.expire(group, partition, { id, fence, report }))
        }
      for (const topic of trims ? topics : [])
        for (let partition = 0; partition < topic.partitions; partition++)
          jobs.add(tenant, () => this.trim(topic, partition, { fence, report }))
    }
    for (const id of this.nextAtMs.keys()) if (!seen.has(id)) this.nextAtMs.delete(id)
    await inTurn(jobs)
    return report
  }

  private async expire(group: StoredGroup, partition: number, at: { id: string; fence: number; report: Sweep }) {
    const keys = partitionKeys(group, partition)
    try {
      const [parked, dead, lost, nextMs] = await runScript<[number, number, number, number]>(
        this.redis,
        'expire',
        [keys.stream, keys.meta, keys.parked(group.group), keys.dead(group.group), ...keys.books(group.group).slice(1)],
        [group.group, group.leaseMs, group.deliveriesMax, at.fence, bellOf(group), partition, ...group.backoffMs],
      )
      at.report.expired += parked + dead
      at.report.dead += dead
      at.report.lost += lost
      const { tenant, topic } = group
      if (dead + lost > 0) at.report.troubles.push({ group: { tenant, topic, group: group.group }, dead, lost })
      this.nextAtMs.set(at.id, performance.now() + Math.min(nextMs, group.shortestMs ?? nextMs))
    } catch (error) {
      // No group here yet: whoever pulls from it makes it.
      if (!saysRedis(error, 'NOGROUP') && !saysRedis(error, 'FENCED')) throw error
    }
  }

  private async trim(topic: Topic, partition: number, { fence, report }: { fence: number; report: Sweep }) {
    for (let step = 0; step < TRIM_STEPS_MAX; step++) {
      try {
        const { removed, dropped, isMore, dueMs } = await retain(this.redis, topic, { partition, fence })
        if (step === 0 && dueMs !== '') await this.promoter.announce(topic, partition, dueMs)
        report.trimmed += removed
        report.dropped += dropped
        if (!isMore) return
      } catch (error) {
        if (!saysRedis(error, 'FENCED')) throw error
        return
      }
    }
  }
}
