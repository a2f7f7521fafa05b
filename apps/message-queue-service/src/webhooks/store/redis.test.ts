import { openRedis } from '@santaclaude/redis/open'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { hookStoreConformance } from './conformance.ts'
import { hookStoreInRedis } from './redis.ts'

hookStoreConformance('redis', async () => {
  const server = await startRedis()
  const redis = openRedis(server.url, { name: 'test' })
  return {
    store: hookStoreInRedis(redis),
    close: async () => {
      redis.disconnect()
      await server.close()
    },
  }
})
