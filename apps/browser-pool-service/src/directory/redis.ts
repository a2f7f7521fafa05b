import type { openRedis } from '@santaclaude/redis/open'
import type { Directory } from './port.ts'

type Redis = ReturnType<typeof openRedis>

/** `sc:browser:session:<tenant>:<id>` = the replica, expiring. */
export function directoryInRedis(redis: Redis): Directory {
  return {
    list: async (listings, { ttlMs }) => {
      if (listings.length === 0) return
      const pipeline = redis.pipeline()
      for (const { tenant, id, replica } of listings) pipeline.set(keyOf(tenant, id), replica, 'PX', ttlMs)
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
    },
    find: async (tenant, id) => (await redis.get(keyOf(tenant, id))) ?? undefined,
    remove: async (tenant, id) => {
      await redis.del(keyOf(tenant, id))
    },
  }
}

// Tenant and id are encoded, so that no part of one can pass for a part of the other.
const keyOf = (tenant: string, id: string) =>
  `sc:browser:session:${encodeURIComponent(tenant)}:${encodeURIComponent(id)}`
