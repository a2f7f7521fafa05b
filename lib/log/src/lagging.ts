import type { Redis } from 'ioredis'
import { compareIds, msOf, ORIGIN } from './cursor.ts'
import type { RawEntry } from './event.ts'
import { saysRedis } from './faults.ts'
import { partitionKeys } from './names.ts'
import type { GroupAddress, GroupLag, Topic } from './port.ts'

type PendingSummary = [
  count: number,
  lowest: string | null,
  highest: string | null,
  perConsumer: [string, string][] | null,
]

/** Where a group stands, summed over the partitions. */
export async function lagOf(redis: Redis, topic: Topic, { group }: GroupAddress): Promise<GroupLag> {
  const [seconds] = await redis.time()
  const partitions = Array.from({ length: topic.partitions }, (_, partition) =>
    partitionLag(redis, topic, group, partition),
  )
  const parts = await Promise.all(partitions)
  const oldestMs = Math.min(...parts.map((part) => part.oldestMs))
  const sum = (what: 'ready' | 'leased' | 'parked' | 'dead' | 'filtered' | 'expired') =>
    parts.reduce((total, part) => total + part[what], 0)
  return {
    ready: sum('ready'),
    leased: sum('leased'),
    parked: sum('parked'),
    dead: sum('dead'),
    filtered: sum('filtered'),
    expired: sum('expired'),
    oldestUnsettledMs: Number.isFinite(oldestMs) ? Math.max(0, Number(seconds) * 1000 - oldestMs) : 0,
  }
}

/** The same for one partition. */
export async function partitionLag(redis: Redis, topic: Topic, group: string, partition: number) {
  const keys = partitionKeys(topic, partition)
  const [dead, skipped] = await Promise.all([
    redis.xlen(keys.dead(group)),
    redis.hmget(keys.meta, `filtered:${group}`, `expired:${group}`),
  ])
  const [filtered, expired] = skipped.map(Number) as [number, number]
  const none = { ready: 0, leased: 0, parked: 0, dead, filtered, expired, oldestMs: Infinity }
  try {
    const [summary, infos] = (await Promise.all([
      redis.xpending(keys.stream, group),
      redis.xinfo('GROUPS', keys.stream),
    ])) as [PendingSummary, unknown[][]]
    const info = infos.map(asRecord).find(({ name }) => name === group)
    if (!info) return none
    const [, lowest, , consumers] = summary
    const of = (consumer: string) => Number(consumers?.find(([name]) => name === consumer)?.[1] ?? 0)
    const last = String(info['last-delivered-id'] ?? ORIGIN)
    const [next] = (await redis.xrange(keys.stream, `(${last}`, '+', 'COUNT', 1)) as RawEntry[]
    const ids = [lowest, next?.[0]].filter((id) => typeof id === 'string')
    const oldest = ids.sort(compareIds)[0]
    return {
      ...none,
      // Redis does not know the lag of a group that began in mid-stream until it has caught up once.
      ready: next ? Number(info.lag ?? (await redis.xlen(keys.stream))) : 0,
      leased: of('live'),
      parked: of('parked'),
      oldestMs: oldest === undefined ? Infinity : msOf(oldest),
    }
  } catch (error) {
    if (saysRedis(error, 'NOGROUP') || saysRedis(error, 'ERR no such key')) return none
    throw error
  }
}

function asRecord(flat: unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (let at = 0; at < flat.length; at += 2) record[String(flat[at])] = flat[at + 1]
  return record
}
