import { afterAll, beforeAll } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { quotaConformance } from './conformance.ts'
import { quotasInMemory } from './memory.ts'
import type { QuotaStore } from './port.ts'
import { quotasInRedis } from './redis.ts'

let server: TestRedis
let redis: ReturnType<typeof openRedis>
let store: QuotaStore
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
  store = quotasInRedis(redis)
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

quotaConformance('redis', () => store)
const memory = quotasInMemory()
quotaConformance('memory', () => memory)
