import { startRedis } from '@santaclaude/testkit/redis-server'
import { eventLogConformance } from './conformance.ts'
import { openLog } from './redis-streams.ts'

eventLogConformance('redis-streams', async () => {
  const redis = await startRedis()
  const log = openLog({ redisUrl: redis.url, trimEveryMs: 0 })
  return {
    log,
    close: async () => {
      await log.close()
      await redis.close()
    },
  }
})
