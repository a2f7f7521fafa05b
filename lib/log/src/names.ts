import { base62Random } from '@santaclaude/kit/ids'
import { type GroupAddress, LogError, type TopicAddress } from './port.ts'

const name = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

/** Names go into Redis keys and channels, so nothing that could close a hash tag or split a key gets through. */
export function checkNames(address: TopicAddress | GroupAddress) {
  for (const [what, text] of Object.entries(address))
    if ((what === 'tenant' || what === 'topic' || what === 'group') && !name.test(text))
      throw new LogError(
        'bad_name',
        `${what} '${text}' must be 1 to 64 of A-Z a-z 0-9 . _ - and begin and end with a letter or digit`,
      )
}

/** A new epoch, nonce or token: tells one life of a thing from its next. */
export const life = () => base62Random(6)

/** The keys of one partition. They share the hash tag `{tenant:topic:p}`, so scripts stay on one node of a Cluster. */
export function partitionKeys({ tenant, topic }: TopicAddress, partition: number) {
  const base = `mq:{${tenant}:${topic}:${partition}}`
  const parked = (group: string) => `${base}:pk:${group}`
  /** The line of a group that orders, and under which key's hash each id stands in it. */
  const line = (group: string) => `${base}:ln:${group}`
  const keyof = (group: string) => `${base}:ko:${group}`
  /** Leases that last longer than the group's. */
  const held = (group: string) => `${base}:hl:${group}`
  /** Deliveries that did not go through at once. */
  const attempts = (group: string) => `${base}:at:${group}`
  return {
    stream: `${base}:s`,
    meta: `${base}:meta`,
    seen: [`${base}:dd:0`, `${base}:dd:1`] as const,
    delayed: `${base}:dly`,
    delayedEvents: `${base}:dlyd`,
    tallies: `${base}:rd`,
    dead: (group: string) => `${base}:dlq:${group}`,
    ...{ parked, line, keyof, held, attempts },
    /** Everything a group keeps here beside its pending list and its dead letters. */
    books: (group: string) => [parked(group), line(group), keyof(group), held(group), attempts(group)],
  }
}

/** Taken by whoever counts what a group with a limit has under lease. */
export const turnKey = ({ tenant, topic, group }: GroupAddress) => `mq:{${tenant}:${topic}}:turn:${group}`

export const bellOf = ({ tenant, topic }: TopicAddress) => `mq:bell:${tenant}:${topic}`
export const topicsKey = (tenant: string) => `mq:{${tenant}}:topics`
export const groupsKey = (tenant: string) => `mq:{${tenant}}:groups`
/** Which partitions hold delayed events, by when the earliest is due; its bell rings when that becomes earlier. */
export const dueKey = 'mq:due'
export const dueBell = 'mq:bell:.due'
export const tenantsKey = 'mq:tenants'
/** Which topics were made, changed or deleted, or their groups: for the owner of upkeep. */
export const changesKey = 'mq:{sweep}:changes'
export const ownerKeys = ['mq:{sweep}:own', 'mq:{sweep}:fence'] as const

/**
 * The partition of a key: FNV-1a over its UTF-16 units with a final mix. Never change it: events of one key would part.
 * Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm"; the mix is MurmurHash3's finalizer.
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions
}
