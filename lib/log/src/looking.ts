import type { Redis } from 'ioredis'
import { compareIds, deliveryOf, msOf } from './cursor.ts'
import { type RawEntry, unpackEntry } from './event.ts'
import { saysRedis } from './faults.ts'
import type { Attempt, EntryPlace, Footprint, GroupState, Insight, PartitionState, PendingEntry } from './insight.ts'
import { partitionLag } from './lagging.ts'
import { ownerKeys, partitionKeys } from './names.ts'
import type { Group, LogEntry, Topic } from './port.ts'
import { runScript } from './scripts.ts'
import type { Topics } from './topics.ts'

/** Entries a search looks at in one script call, and in one partition at most. */
const STEP = 1_000
const LOOKED_MAX = 20_000
/** An event may have been made this long before it was appended, and clocks may differ by this much. */
const [AFTER_MS, BEFORE_MS] = [600_000, 60_000]

type PendingRow = [streamId: string, consumer: string, idleMs: number, deliveries: number]

/** Looking closely at what lies in Redis. */
export function insightIn(redis: Redis, topics: Topics): Insight {
  return {
    groupState: async (address) => {
      const [group, topic] = await Promise.all([topics.needGroup(address), topics.need(address)])
      const partitions = Array.from({ length: topic.partitions }, (_, partition) =>
        stateOf(redis, { topic, group }, partition),
      )
      const [hasUpkeep, store] = await Promise.all([redis.exists(ownerKeys[0]), storeState(redis)])
      return { partitions: await Promise.all(partitions), hasUpkeep: hasUpkeep === 1, store }
    },
    pending: async (address, { limit, after }) => {
      await topics.needGroup(address)
      const { partitions } = await topics.need(address)
      const entries: PendingEntry[] = []
      for (let at = after?.partition ?? 0; at < partitions && entries.length <= limit; at++) {
        const from = at === after?.partition ? `(${after.streamId}` : '-'
        const rows = await pendingRows(redis, partitionKeys(address, at).stream, {
          group: address.group,
          range: [from, '+', limit + 1 - entries.length],
        })
        entries.push(...rows.map((row) => pendingEntry(at, row)))
      }
      const page = entries.slice(0, limit)
      const last = page.at(-1)
      if (entries.length <= limit || !last) return { entries: page }
      return { entries: page, next: { partition: last.partition, streamId: last.streamId } }
    },
    find: async (address, { id, at }) => {
      const topic = await topics.need(address)
      if (at) return entryAt(redis, topic, { id, at })
      const all = Array.from({ length: topic.partitions }, (_, partition) => partition)
      const found = await Promise.all(all.map((partition) => search(redis, topic, { partition, id })))
      return found.find((entry) => entry !== undefined)
    },
    footprints: async (address, at) => {
      const topic = await topics.need(address)
      const groups = await topics.groupsOf(address)
      return Promise.all(groups.map((group) => footprint(redis, { topic, group }, at)))
    },
  }
}

async function stateOf(
  redis: Redis,
  { topic, group }: { topic: Topic; group: Group },
  partition: number,
): Promise<PartitionState> {
  const keys = partitionKeys(topic, partition)
  const [{ ready, leased, parked, dead }, [next, dueText], inLine, parkedDue, [seconds, micros]] = await Promise.all([
    partitionLag(redis, topic, group.group, partition),
    redis.zrange(keys.parked(group.group), '0', '0', 'WITHSCORES'),
    redis.zcard(keys.line(group.group)),
    redis.zcard(keys.parked(group.group)),
    redis.time(),
  ])
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  const rows =
    leased > 0 ? await pendingRows(redis, keys.stream, { group: group.group, range: ['-', '+', 100], who: 'live' }) : []
  const idleMs = Math.max(...rows.map(([, , idle]) => idle))
  return {
    ...{ partition, ready, leased, parked, dead },
    inLine: inLine === 0 ? 0 : Math.max(0, parked - parkedDue),
    ...(rows.length > 0 ? { leaseEndsInMs: Math.max(0, group.leaseMs - idleMs) } : {}),
    ...(next === undefined ? {} : { dueInMs: Math.max(0, Number(dueText) - nowMs) }),
  }
}

/** Whether the store takes a write. */
async function storeState(redis: Redis): Promise<GroupState['store']> {
  try {
    await redis.set('mq:probe', '1', 'PX', 1)
    return 'ok'
  } catch (error) {
    if (saysRedis(error, 'OOM')) return 'full'
    if (['READONLY', 'MISCONF', 'NOREPLICAS'].some((word) => saysRedis(error, word))) return 'refused'
    throw error
  }
}

async function pendingRows(
  redis: Redis,
  stream: string,
  { group, range, who }: { group: string; range: [string, string, number]; who?: 'live' },
): Promise<PendingRow[]> {
  const [from, to, count] = range
  try {
    const asked = who
      ? redis.xpending(stream, group, from, to, count, who)
      : redis.xpending(stream, group, from, to, count)
    return (await asked) as PendingRow[]
  } catch (error) {
    if (saysRedis(error, 'NOGROUP')) return []
    throw error
  }
}

const pendingEntry = (partition: number, [streamId, consumer, forMs, deliveries]: PendingRow): PendingEntry => ({
  ...{ partition, streamId, deliveries: deliveryOf(deliveries), forMs },
  state: consumer === 'live' ? 'leased' : 'parked',
})

async function entryAt(redis: Redis, topic: Topic, { id, at }: { id: string; at: EntryPlace }) {
  if (at.partition >= topic.partitions) return undefined
  const { stream } = partitionKeys(topic, at.partition)
  const [raw] = (await redis.xrange(stream, at.streamId, at.streamId)) as RawEntry[]
  const entry = raw && unpackEntry(at.partition, raw)
  return entry?.event.id === id ? entry : undefined
}

async function search(
  redis: Redis,
  topic: Topic,
  { partition, id }: { partition: number; id: string },
): Promise<LogEntry | undefined> {
  const { stream } = partitionKeys(topic, partition)
  const bornMs = timeOfId(id)
  const near =
    bornMs === undefined
      ? undefined
      : await scan(redis, stream, {
          value: id,
          range: [String(Math.max(0, bornMs - BEFORE_MS)), String(bornMs + AFTER_MS)],
        })
  const found = near ?? (await scan(redis, stream, { value: id, range: ['+', '-'], isBackwards: true }))
  return found && unpackEntry(partition, found)
}

/** The time a UUIDv7 says. Source: RFC 9562 §5.7. */
function timeOfId(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id)
  return match ? Number.parseInt(`${match[1]}${match[2]}`, 16) : undefined
}

async function scan(
  redis: Redis,
  stream: string,
  { value, range, isBackwards = false }: { value: string; range: [string, string]; isBackwards?: boolean },
): Promise<RawEntry | undefined> {
  let [from] = range
  for (let looked = 0; looked < LOOKED_MAX; looked += STEP) {
    const args = [value, from, range[1], STEP, isBackwards ? 1 : 0]
    const [isFound, at, fields] = await runScript<[number, string?, string[]?]>(redis, 'find', [stream], args)
    if (isFound && at && fields) return [at, fields]
    if (at === undefined) return undefined
    from = `(${at}`
  }
  return undefined
}

async function footprint(
  redis: Redis,
  { topic, group }: { topic: Topic; group: Group },
  { partition, streamId }: EntryPlace,
): Promise<Footprint> {
  const keys = partitionKeys(topic, partition)
  const name = group.group
  const born = String(msOf(streamId))
  const [[row], attempts, letter, last] = await Promise.all([
    pendingRows(redis, keys.stream, { group: name, range: [streamId, streamId, 1] }),
    redis.xrange(keys.attempts(name), born, '+', 'COUNT', 5_000) as Promise<RawEntry[]>,
    scan(redis, keys.dead(name), { value: streamId, range: [born, '+'] }),
    lastDelivered(redis, keys.stream, name),
  ])
  const own = attempts.filter(([, fields]) => fields[1] === streamId).map(attemptOf)
  const about = { group: name, attempts: own }
  if (row) {
    const { state, deliveries, forMs } = pendingEntry(partition, row)
    return { ...about, state, deliveries, forMs }
  }
  if (letter)
    return { ...about, state: 'dead', deliveries: deliveryOf(Number(letter[1][3])), reason: letter[1][5] ?? '' }
  if (last === undefined || compareIds(streamId, last) > 0) return { ...about, state: 'ready' }
  const acked = own.findLast(({ outcome }) => outcome === 'acked')
  return acked ? { ...about, state: 'settled', deliveries: acked.deliveries } : { ...about, state: 'settled' }
}

const attemptOf = ([at, fields]: RawEntry): Attempt => ({
  atMs: msOf(at),
  deliveries: deliveryOf(Number(fields[3])),
  outcome: fields[5] as Attempt['outcome'],
  reason: fields[7] ?? '',
})

async function lastDelivered(redis: Redis, stream: string, group: string): Promise<string | undefined> {
  const groups = (await redis.xinfo('GROUPS', stream).catch((error) => {
    if (saysRedis(error, 'ERR no such key')) return []
    throw error
  })) as unknown[][]
  const info = groups.find((flat) => flat[flat.indexOf('name') + 1] === group)
  return info ? String(info[info.indexOf('last-delivered-id') + 1]) : undefined
}
