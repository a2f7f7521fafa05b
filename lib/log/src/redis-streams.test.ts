import { startRedis } from '@santaclaude/testkit/redis-server'
import { eventLogConformance } from './conformance.ts'
import { growthConformance } from './growth-conformance.ts'
import { insightConformance } from './insight-conformance.ts'
import { openLog } from './redis-streams.ts'
import { repairConformance } from './repair-conformance.ts'

const open = async () => {
  const redis = await startRedis()
  const log = openLog({ redisUrl: redis.url, trimEveryMs: 0 })
  return {
    log,
    close: async () => {
      await log.close()
      await redis.close()
    },
  }
}

eventLogConformance('redis-streams', open)
insightConformance('redis-streams', open)
repairConformance('redis-streams', open)
growthConformance('redis-streams', open)
