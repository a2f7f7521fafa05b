import type { Redis } from 'ioredis'
import type { Keys, StoredKey } from './keys.ts'

const keyOf = (id: string) => `sc:key:${id}`
const listOf = (tenant: string) => `sc:keys:${tenant}`

/** Keys in Redis: `sc:key:<id>` is the key as JSON, `sc:keys:<tenant>` its tenant's ids by time of creation. */
export function keysInRedis(redis: Redis): Keys {
  return {
    async find(id) {
      const text = await redis.get(keyOf(id))
      return text === null ? undefined : (JSON.parse(text) as StoredKey)
    },
    async put(key) {
      await redis.set(keyOf(key.id), JSON.stringify(key))
      await redis.zadd(listOf(key.tenant), key.createdAtMs, key.id)
    },
    async list(tenant) {
      const ids = await redis.zrevrange(listOf(tenant), 0, 999)
      if (ids.length === 0) return []
      const texts = await redis.mget(ids.map(keyOf))
      return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as StoredKey]))
    },
  }
}
