import type { openRedis } from '@santaclaude/redis/open'
import type { Directory } from './port.ts'

type Redis = ReturnType<typeof openRedis>

/** `sc:browser:session:<tenant>:<id>` = the replica, expiring. */
export function directoryInRedis(redis: Redis): Directory {
  return {
    list: async (listings, { ttlMs }) => {
      // One by one, as they lie on different servers of a Cluster; they travel together all the same.
      await Promise.all(listings.map(({ tenant, id, replica }) => redis.set(keyOf(tenant, id), replica, 'PX', ttlMs)))
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
