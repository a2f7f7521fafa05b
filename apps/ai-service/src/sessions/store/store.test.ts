import { openRedis } from '@santaclaude/redis/open'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { limits, sessionStoreConformance } from './conformance.ts'
import { sessionsInMemory } from './memory.ts'
import { sessionsInRedis } from './redis.ts'

sessionStoreConformance('in memory', async () => ({ store: sessionsInMemory(limits), close: async () => {} }))

sessionStoreConformance('in Redis', async () => {
  const server = await startRedis()
  const redis = openRedis(server.url, { name: 'test' })
  return {
    store: sessionsInRedis(redis, limits),
    close: async () => {
      redis.disconnect()
      await server.close()
    },
  }
})
