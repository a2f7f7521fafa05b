import type { Redis } from 'ioredis'
import { saysRedis } from './faults.ts'
import { changesKey, checkNames, groupsKey, life, partitionKeys, tenantsKey, topicsKey } from './names.ts'
import {
  type Group,
  type GroupAddress,
  type GroupSettings,
  LogError,
  type Topic,
  type TopicAddress,
  type TopicChange,
} from './port.ts'
import { runScript } from './scripts.ts'
import { changed, groupChanged, groupDefaults, topicDefaults } from './settings.ts'

/** How old a topic's or a group's settings may be before they are read again. */
const FRESH_MS = 5_000
/** How long the mark of a deleted topic stays, and so how old a memory may be to bring a topic back after a wipe. */
const CLOSED_MS = 86_400_000
const RESTORE_MS_MAX = 3_600_000

interface Known<Thing> {
  thing: Thing
  seenAtMs: number
  isDoubted?: boolean
}

/** A topic that was written back after a wipe says when, so that its groups can follow. */
type StoredTopic = Topic & { restoredAtMs?: number }

/** `shortestMs`: the shortest lease a pull ever asked for, so that upkeep looks often enough. */
export type StoredGroup = Group & { shortestMs?: number }

/**
 * Settings of topics and groups: two hashes per tenant in Redis, remembered here for seconds. When Redis was emptied
 * under a running process (FLUSHALL, a lost disk), what this process remembers is written back and service goes on.
 */
export class Topics {
  private readonly knownTopics = new Map<string, Known<Topic>>()
  private readonly knownGroups = new Map<string, Known<Group>>()

  constructor(
    private readonly redis: Redis,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  async create(address: TopicAddress, change: TopicChange = {}): Promise<Topic & { isNew: boolean }> {
    checkNames(address)
    const existing = await this.read(address)
    if (existing) return { ...existing, isNew: false }
    const { tenant, topic } = address
    const settings = changed(topicDefaults, change)
    const made: Topic = { tenant, topic, ...settings, createdAtMs: Date.now(), generations: [settings.partitions] }
    const isNew = await this.write(made)
    if (isNew) return { ...this.remember(made), isNew }
    return { ...((await this.read(address)) ?? made), isNew }
  }

  change(address: TopicAddress, change: TopicChange): Promise<Topic | undefined> {
    return this.rewrite(address, (topic) => ({ ...topic, ...changed(topic, change), partitions: topic.partitions }))
  }

  /** Changes what is written of the topic, also when others change it at the same time. */
  async rewrite(address: TopicAddress, change: (topic: Topic) => Topic): Promise<Topic | undefined> {
    const key = topicsKey(address.tenant)
    for (;;) {
      const text = await this.redis.hget(key, address.topic)
      if (text === null) return undefined
      const next = change(storedTopic(text))
      const isDone = await runScript<number>(this.redis, 'swap', [key], [address.topic, text, JSON.stringify(next)])
      if (!isDone) continue
      await this.note(address)
      return this.remember(next)
    }
  }

  /** The topic, from memory when that is fresh. */
  async find(address: TopicAddress): Promise<Topic | undefined> {
    const known = this.knownTopics.get(topicId(address))
    if (known && this.isFresh(known)) return known.thing
    checkNames(address)
    return (await this.read(address)) ?? (await this.restored(known))
  }

  async need(address: TopicAddress): Promise<Topic> {
    const topic = await this.find(address)
    if (!topic) throw new LogError('topic_not_found', `There is no topic '${address.topic}'.`)
    return topic
  }

  async list(tenant: string): Promise<Topic[]> {
    const found = await this.redis.hvals(topicsKey(tenant))
    return found.map(storedTopic).sort((a, b) => (a.topic < b.topic ? -1 : 1))
  }

  tenants = () => this.redis.smembers(tenantsKey)

  async delete(address: TopicAddress): Promise<boolean> {
    const topic = await this.read(address)
    if (!topic) return false
    const groups = await this.groupsOf(address)
    await this.redis.hdel(topicsKey(address.tenant), address.topic)
    if (groups.length > 0)
      await this.redis.hdel(groupsKey(address.tenant), ...groups.map(({ group }) => `${address.topic}/${group}`))
    for (let partition = 0; partition < topic.partitions; partition++) {
      const keys = partitionKeys(address, partition)
      const more = groups.flatMap(({ group }) => [...keys.books(group), keys.dead(group)])
      const own = [keys.stream, keys.tallies, ...keys.seen, keys.delayed, keys.delayedEvents]
      await runScript(this.redis, 'close', [keys.meta, ...own, ...more], [CLOSED_MS])
    }
    await this.note(address)
    this.forget(address)
    return true
  }

  /** Something in Redis contradicts what is remembered of this group: ask again before it is used. */
  doubt(address: GroupAddress) {
    for (const known of [this.knownTopics.get(topicId(address)), this.knownGroups.get(groupId(address))])
      if (known) known.isDoubted = true
  }

  forget(address: TopicAddress) {
    this.knownTopics.delete(topicId(address))
    for (const [id, { thing }] of this.knownGroups) if (topicId(thing) === topicId(address)) this.knownGroups.delete(id)
  }

  async putGroup(address: GroupAddress, change: Partial<GroupSettings>): Promise<Group & { isNew: boolean }> {
    checkNames(address)
    const { tenant, topic, group } = address
    const before = await this.readGroup(address)
    const base = before ?? { tenant, topic, group, ...groupDefaults, createdAtMs: Date.now() }
    const next: Group = { ...base, ...groupChanged(base, change, { isNew: !before }) }
    await this.redis.hset(groupsKey(tenant), `${topic}/${group}`, JSON.stringify(next))
    await this.note(address)
    return { ...this.rememberGroup(next), isNew: !before }
  }

  async findGroup(address: GroupAddress): Promise<Group | undefined> {
    const known = this.knownGroups.get(groupId(address))
    if (known && this.isFresh(known)) return known.thing
    checkNames(address)
    const found = await this.readGroup(address)
    if (found || !known || !(await this.wasGroupWiped(known))) return found
    const { tenant, topic, group } = address
    await this.redis.hsetnx(groupsKey(tenant), `${topic}/${group}`, JSON.stringify(known.thing))
    await this.note(address)
    return this.rememberGroup(known.thing)
  }

  async needGroup(address: GroupAddress): Promise<Group> {
    const group = await this.findGroup(address)
    if (!group) throw new LogError('group_not_found', `There is no group '${address.group}' on '${address.topic}'.`)
    return group
  }

  /** Notes that some lease of the group is shorter than its own. */
  async noteLease(group: StoredGroup, leaseMs: number): Promise<void> {
    if (leaseMs >= Math.min(group.leaseMs, group.shortestMs ?? group.leaseMs)) return
    const next: StoredGroup = { ...group, shortestMs: leaseMs }
    await this.redis.hset(groupsKey(group.tenant), `${group.topic}/${group.group}`, JSON.stringify(next))
    await this.note(group)
    this.rememberGroup(next)
  }

  async groupsOf({ tenant, topic }: TopicAddress): Promise<StoredGroup[]> {
    return (await this.groupsOfTenant(tenant)).filter((group) => group.topic === topic)
  }

  async groupsOfTenant(tenant: string): Promise<StoredGroup[]> {
    const found = await this.redis.hvals(groupsKey(tenant))
    return found.map(groupFrom).sort((a, b) => (a.group < b.group ? -1 : 1))
  }

  async deleteGroup(address: GroupAddress): Promise<boolean> {
    const { tenant, topic, group } = address
    const found = await this.find(address)
    this.knownGroups.delete(groupId(address))
    const wasThere = (await this.redis.hdel(groupsKey(tenant), `${topic}/${group}`)) === 1
    for (let partition = 0; partition < (found?.partitions ?? 0); partition++) {
      const keys = partitionKeys(address, partition)
      const own = [...keys.books(group), keys.dead(group)]
      await runScript(this.redis, 'ungroup', [keys.stream, keys.meta, ...own], [group])
    }
    await this.note(address)
    return wasThere
  }

  /** Makes the group on one partition where it is missing. The nonce its receipts carry. */
  async openGroup({ group, ...address }: GroupAddress, partition: number, after = ''): Promise<string> {
    const keys = partitionKeys(address, partition)
    try {
      const [nonce] = await runScript<[string, number]>(
        this.redis,
        'group',
        [keys.stream, keys.meta, ...keys.books(group)],
        [group, after, life()],
      )
      return nonce
    } catch (error) {
      if (saysRedis(error, 'GONE')) this.forget(address)
      throw error
    }
  }

  private async write(topic: Topic): Promise<boolean> {
    await this.redis.sadd(tenantsKey, topic.tenant)
    const opened = Array.from({ length: topic.partitions }, (_, partition) =>
      runScript(this.redis, 'open', [partitionKeys(topic, partition).meta], [life()]),
    )
    await Promise.all(opened)
    const isNew = (await this.redis.hsetnx(topicsKey(topic.tenant), topic.topic, JSON.stringify(topic))) === 1
    await this.note(topic)
    return isNew
  }

  /** Tells the owner of upkeep to read the topic and its groups again. */
  private async note({ tenant, topic }: TopicAddress): Promise<void> {
    await this.redis.xadd(changesKey, 'MAXLEN', '~', 2_000, '*', 'n', tenant, 't', topic)
  }

  /** The topic as it is written now. */
  reread = (address: TopicAddress) => this.read(address)

  private async read(address: TopicAddress): Promise<Topic | undefined> {
    const text = await this.redis.hget(topicsKey(address.tenant), address.topic)
    return text ? this.remember(storedTopic(text)) : undefined
  }

  private async readGroup({ tenant, topic, group }: GroupAddress): Promise<Group | undefined> {
    const text = await this.redis.hget(groupsKey(tenant), `${topic}/${group}`)
    return text ? this.rememberGroup(groupFrom(text)) : undefined
  }

  private async restored(known: Known<Topic> | undefined): Promise<Topic | undefined> {
    if (!known) return undefined
    if (!(await this.wasWiped(known))) {
      this.forget(known.thing)
      return undefined
    }
    const topic: StoredTopic = { ...known.thing, restoredAtMs: Date.now() }
    await this.write(topic)
    return this.read(topic)
  }

  /** Whether a topic that is gone left no mark of its deletion: then Redis lost its data. */
  private async wasWiped({ thing, seenAtMs }: Known<TopicAddress>): Promise<boolean> {
    if (this.nowMs() - seenAtMs > RESTORE_MS_MAX) return false
    return (await this.redis.hexists(partitionKeys(thing, 0).meta, 'closed')) === 0
  }

  /** The same for a group: its topic may have been brought back already, by this process or another. */
  private async wasGroupWiped(known: Known<Group>): Promise<boolean> {
    const topic: StoredTopic | undefined = await this.find(known.thing)
    if (!topic?.restoredAtMs) return false
    return this.nowMs() - known.seenAtMs > Date.now() - topic.restoredAtMs
  }

  private isFresh({ seenAtMs, isDoubted }: Known<unknown>) {
    return !isDoubted && this.nowMs() - seenAtMs < FRESH_MS
  }

  private remember(topic: Topic): Topic {
    this.knownTopics.set(topicId(topic), { thing: topic, seenAtMs: this.nowMs() })
    return topic
  }

  private rememberGroup(group: Group): Group {
    this.knownGroups.set(groupId(group), { thing: group, seenAtMs: this.nowMs() })
    return group
  }
}

/** A topic as it was written, perhaps before some of today's settings existed. */
function storedTopic(text: string): Topic {
  const topic = JSON.parse(text) as Topic
  return { ...topic, ...changed(topicDefaults, topic), generations: topic.generations ?? [topic.partitions] }
}
/** A group that was written before a setting existed has its default. */
const groupFrom = (text: string): StoredGroup => ({ ...groupDefaults, ...(JSON.parse(text) as Group) })

const topicId = ({ tenant, topic }: TopicAddress) => `${tenant}/${topic}`
const groupId = ({ tenant, topic, group }: GroupAddress) => `${tenant}/${topic}/${group}`
