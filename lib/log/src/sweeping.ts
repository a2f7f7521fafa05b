import { FairLine } from '@santaclaude/kit/fair-line'
import type { Redis } from 'ioredis'
import { saysRedis } from './faults.ts'
import { type GroupWatch, Inventory, leaseOf, type TrimWatch } from './inventory.ts'
import { bellOf, life, ownerKeys, partitionKeys } from './names.ts'
import type { Sweep } from './port.ts'
import type { Promoter } from './promoting.ts'
import { retain } from './retaining.ts'
import { runScript } from './scripts.ts'
import type { Topics } from './topics.ts'

/** How long ownership lasts without a renewal; the longest upkeep stands still when its owner dies. */
const OWN_MS = 3_000
/** Steps of one retention pass over a partition, so a huge excess does not hold up the others. */
const TRIM_STEPS_MAX = 40
/** Partitions looked after at once. */
const WIDTH = 64

/** Pauses between two looks of retention at a partition where nothing changes: twice as long each time, up to this. */
const TRIM_PAUSE_MS_MAX = 20_000
/** Books are checked this often, and this many in a round at most. */
const BOOKS_EVERY_MS = 10_000
const BOOKS_MAX = 100

/** One round: who does it as which owner, and what it did. */
interface Round {
  fence: number
  nowMs: number
  report: Sweep
}

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
 * Upkeep of every topic: expired leases go back or die, retention is applied, books are checked. One process at a time
 * owns it; each owner's fence is higher than the last one's, and the scripts refuse a fence below what a partition has
 * seen, so an owner that was frozen and wakes up late does nothing.
 */
export class Sweeper {
  private readonly token = life() + life()
  private readonly inventory: Inventory
  private booksEveryMs = BOOKS_EVERY_MS

  constructor(
    private readonly redis: Redis,
    topics: Topics,
    private readonly promoter: Promoter,
    private readonly trimEveryMs = 5_000,
  ) {
    this.inventory = new Inventory(redis, topics)
  }

  async sweep(): Promise<Sweep> {
    const none = { expired: 0, dead: 0, trimmed: 0, dropped: 0, lost: 0, unbalanced: 0 }
    const report: Sweep = { isOwner: true, ...none, troubles: [] }
    const fence = await runScript<number>(this.redis, 'own', ownerKeys, [this.token, OWN_MS])
    if (fence === 0) {
      this.inventory.clear()
      return { ...report, isOwner: false }
    }
    const round: Round = { fence, nowMs: performance.now(), report }
    await this.inventory.refresh(round.nowMs)
    await inTurn(this.jobs(round))
    for (const { groups } of this.inventory.all()) for (const { off } of groups) report.unbalanced += Math.abs(off)
    return report
  }

  /** What is worth a look now. */
  private jobs(round: Round): FairLine<() => Promise<void>> {
    const jobs = new FairLine<() => Promise<void>>()
    let books = 0
    let watches = 0
    for (const { trims, groups } of this.inventory.all()) {
      watches += groups.length
      for (const watch of groups) {
        if (watch.nextAtMs <= round.nowMs) jobs.add(watch.group.tenant, () => this.expire(watch, round))
        if (watch.booksAtMs <= round.nowMs && books++ < BOOKS_MAX)
          jobs.add(watch.group.tenant, () => this.check(watch, round))
      }
      for (const watch of trims)
        if (watch.nextAtMs <= round.nowMs) jobs.add(watch.topic.tenant, () => this.trim(watch, round))
    }
    // With very many groups everybody's turn comes later, but it comes.
    this.booksEveryMs = Math.max(BOOKS_EVERY_MS, (watches / BOOKS_MAX) * 1_000)
    return jobs
  }

  private async expire(watch: GroupWatch, { fence, report }: Round) {
    const { group, partition } = watch
    const keys = partitionKeys(group, partition)
    // Whatever becomes of this look, the next one comes within a lease.
    watch.nextAtMs = performance.now() + leaseOf(group)
    try {
      const [parked, dead, lost, nextMs] = await runScript<[number, number, number, number]>(
        this.redis,
        'expire',
        [keys.stream, keys.meta, keys.parked(group.group), keys.dead(group.group), ...keys.books(group.group).slice(1)],
        [group.group, group.leaseMs, group.deliveriesMax, fence, bellOf(group), partition, ...group.backoffMs],
      )
      report.expired += parked + dead
      report.dead += dead
      report.lost += lost
      const { tenant, topic } = group
      if (dead + lost > 0) report.troubles.push({ group: { tenant, topic, group: group.group }, dead, lost })
      watch.nextAtMs = performance.now() + Math.min(nextMs, leaseOf(group))
    } catch (error) {
      // No group here yet: whoever pulls from it makes it.
      if (!saysRedis(error, 'NOGROUP') && !saysRedis(error, 'FENCED')) throw error
    }
  }

  private async check(watch: GroupWatch, { nowMs }: Round) {
    const { group, partition } = watch
    const keys = partitionKeys(group, partition)
    watch.booksAtMs = nowMs + this.booksEveryMs
    const [isKnown, off] = await runScript<[number, number]>(
      this.redis,
      'books',
      [keys.stream, keys.meta, keys.dead(group.group)],
      [group.group],
    ).catch((error) => {
      if (saysRedis(error, 'NOGROUP')) return [0, 0]
      throw error
    })
    watch.off = isKnown === 1 ? (off ?? 0) : 0
  }

  private async trim(watch: TrimWatch, { fence, report, nowMs }: Round) {
    const { topic, partition } = watch
    let hasTrimmed = false
    let length = 0
    for (let step = 0; step < TRIM_STEPS_MAX; step++) {
      try {
        const {
          removed,
          dropped,
          isMore,
          dueMs,
          length: before,
        } = await retain(this.redis, topic, { partition, fence })
        if (step === 0 && dueMs !== '') await this.promoter.announce(topic, partition, dueMs)
        report.trimmed += removed
        report.dropped += dropped
        hasTrimmed ||= removed > 0
        length = before - removed
        if (!isMore) break
      } catch (error) {
        if (!saysRedis(error, 'FENCED')) throw error
        break
      }
    }
    const isIdle = !hasTrimmed && length === watch.length
    watch.pauseMs = isIdle ? Math.min(TRIM_PAUSE_MS_MAX, 2 * watch.pauseMs) : this.trimEveryMs
    watch.length = length
    watch.nextAtMs = nowMs + watch.pauseMs
  }
}
