import type { Redis } from 'ioredis'
import { changesKey } from './names.ts'
import type { Topic } from './port.ts'
import type { StoredGroup, Topics } from './topics.ts'

/** Everything is read anew this often, whatever the list of changes said. */
const RELOAD_MS = 60_000
/** With more changes than this at once, reading everything is cheaper. */
const CHANGES_MAX = 1_000

/** A partition of a topic, and when retention should look at it next. */
export interface TrimWatch {
  topic: Topic
  partition: number
  nextAtMs: number
  pauseMs: number
  length: number
}

/** A group on a partition: when its leases should be looked at next, when its books, and how far those are off. */
export interface GroupWatch {
  group: StoredGroup
  partition: number
  nextAtMs: number
  booksAtMs: number
  off: number
}

interface Known {
  trims: TrimWatch[]
  groups: GroupWatch[]
}

/**
 * What the owner of upkeep knows of all topics and groups. It is read once; then a list of changes names those to read
 * again, so that ten thousand idle topics cost nothing to know.
 */
export class Inventory {
  private known = new Map<string, Known>()
  private place = ''
  private loadedAtMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly redis: Redis,
    private readonly topics: Topics,
  ) {}

  /** Forgets everything: somebody else owns the upkeep now. */
  clear() {
    this.known = new Map()
    this.loadedAtMs = Number.NEGATIVE_INFINITY
  }

  /** By topic. */
  all(): Iterable<Known> {
    return this.known.values()
  }

  async refresh(nowMs: number): Promise<void> {
    if (nowMs - this.loadedAtMs >= RELOAD_MS) return this.load(nowMs)
    const changes = await this.redis.xrange(changesKey, `(${this.place}`, '+', 'COUNT', CHANGES_MAX)
    if (changes.length === CHANGES_MAX) return this.load(nowMs)
    const last = changes.at(-1)
    if (!last) return
    const named = new Map(changes.map(([, [, tenant = '', , topic = '']]) => [`${tenant}/${topic}`, { tenant, topic }]))
    for (const [tenant, own] of Map.groupBy(named.values(), (address) => address.tenant)) {
      const names = new Set(own.map(({ topic }) => topic))
      await this.read(tenant, (topic) => names.has(topic))
    }
    this.place = last[0]
  }

  private async load(nowMs: number): Promise<void> {
    // The place is taken first: what changes while everything is read is read once more.
    const [newest] = await this.redis.xrevrange(changesKey, '+', '-', 'COUNT', 1)
    const before = this.known
    this.known = new Map()
    try {
      for (const tenant of await this.topics.tenants()) await this.read(tenant, () => true, before)
    } catch (error) {
      this.known = before
      throw error
    }
    this.place = newest?.[0] ?? '0-0'
    this.loadedAtMs = nowMs
  }

  /** Reads those of a tenant's topics, and keeps the watches of what is still there. */
  private async read(tenant: string, isMeant: (topic: string) => boolean, before = this.known): Promise<void> {
    const [topics, groups] = await Promise.all([this.topics.list(tenant), this.topics.groupsOfTenant(tenant)])
    const byTopic = Map.groupBy(groups, ({ topic }) => topic)
    const gone = new Set([...this.known.keys()].filter((id) => id.startsWith(`${tenant}/`)))
    for (const topic of topics) {
      const id = `${tenant}/${topic.topic}`
      gone.delete(id)
      if (isMeant(topic.topic)) this.known.set(id, watchesOf(topic, byTopic.get(topic.topic) ?? [], before.get(id)))
    }
    for (const id of gone) this.known.delete(id)
  }
}

function watchesOf(topic: Topic, groups: StoredGroup[], before: Known | undefined): Known {
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  const trims = partitions.map((partition): TrimWatch => {
    const known = before?.trims[partition]
    const isSame = known && JSON.stringify(known.topic.retention) === JSON.stringify(topic.retention)
    return isSame ? { ...known, topic } : { topic, partition, nextAtMs: 0, pauseMs: 0, length: -1 }
  })
  const watches = groups.flatMap((group) =>
    partitions.map((partition): GroupWatch => {
      const known = before?.groups.find((other) => other.group.group === group.group && other.partition === partition)
      const isSame = known && leaseOf(known.group) === leaseOf(group)
      return isSame ? { ...known, group } : { group, partition, nextAtMs: 0, booksAtMs: 0, off: 0 }
    }),
  )
  return { trims, groups: watches }
}

/** The shortest lease somebody may hold. */
export const leaseOf = ({ leaseMs, shortestMs }: StoredGroup) => Math.min(leaseMs, shortestMs ?? leaseMs)
