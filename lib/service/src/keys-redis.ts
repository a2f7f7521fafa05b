import type { Redis } from 'ioredis'
import { Fault } from './faults.ts'
import type { Keys, StoredKey } from './keys.ts'

const keyOf = (id: string) => `sc:key:${id}`
const listOf = (tenant: string) => `sc:keys:${tenant}`

const replaceIfSame = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1`

/** Keys in Redis: `sc:key:<id>` is the key as JSON, `sc:keys:<tenant>` its tenant's ids by time of creation. */
export function keysInRedis(redis: Redis): Keys {
  return {
    async find(id) {
      const text = await stored(redis.get(keyOf(id)))
      return text === null ? undefined : (JSON.parse(text) as StoredKey)
    },
    async put(key) {
      // Listed first: a key that works must never be one that nobody can find to revoke it.
      await stored(redis.zadd(listOf(key.tenant), key.createdAtMs, key.id))
      await stored(redis.set(keyOf(key.id), JSON.stringify(key)))
    },
    async replace(before, after) {
      const [was, is] = [JSON.stringify(before), JSON.stringify(after)]
      return (await stored(redis.eval(replaceIfSame, 1, keyOf(before.id), was, is))) === 1
    },
    async list(tenant) {
      const ids = await stored(redis.zrevrange(listOf(tenant), 0, 999))
      if (ids.length === 0) return []
      // One by one, as they lie on different servers of a Cluster; they travel together all the same.
      const texts = await stored(Promise.all(ids.map((id) => redis.get(keyOf(id)))))
      return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as StoredKey]))
    },
  }
}

const stored = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause) => {
    throw new Fault('store_unavailable', { cause })
  })
