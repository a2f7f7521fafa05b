import { script } from '@santaclaude/redis/script'
import type { Redis } from 'ioredis'
import type { Limits, QuotaStore, Rate, Taken } from './port.ts'
import takeText from './take.lua' with { type: 'text' }

const runTake = script(takeText)
const overridesKey = (tenant: string) => `mq:{${tenant}}:limits`
const bucketKey = (tenant: string, rate: Rate) => `mq:{${tenant}}:rate:${rate}`
/** No limit is written as -1. */
const written = (limit: number | null | undefined) => limit ?? -1
const read = (limit: number) => (limit < 0 ? null : limit)

/** Limits and buckets in Redis: `mq:{tenant}:limits` holds what differs from the defaults, `mq:{tenant}:rate:<rate>` a bucket. */
export function quotasInRedis(redis: Redis): QuotaStore {
  return {
    async overrides(tenant) {
      const found = await redis.hgetall(overridesKey(tenant))
      return Object.fromEntries(Object.entries(found).map(([name, limit]) => [name, read(Number(limit))]))
    },
    async override(tenant, limits: Partial<Limits>) {
      const key = overridesKey(tenant)
      const fields = Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, written(limit)]))
      const change = redis.multi().del(key)
      if (Object.keys(fields).length > 0) change.hset(key, fields)
      await change.exec()
    },
    async take(tenant, rate, { perSecond, debt, isLook = false }): Promise<Taken> {
      const [granted, waitMs, now, left] = await runTake<[number, number, number, string]>(
        redis,
        [bucketKey(tenant, rate), overridesKey(tenant)],
        [rate, written(perSecond), debt, isLook ? 1 : 0],
      )
      return { granted: read(granted), waitMs, perSecond: read(now), left: Number(left) }
    },
  }
}
