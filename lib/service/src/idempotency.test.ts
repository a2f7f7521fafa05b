import { afterAll, beforeAll } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { idempotencyConformance } from './idempotency-conformance.ts'
import { idempotencyInMemory } from './idempotency-memory.ts'
import { idempotencyInRedis } from './idempotency-redis.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

const empty = async () => {
  await redis.flushall()
  return redis
}

idempotencyConformance('in memory', async () => idempotencyInMemory())
idempotencyConformance('in Redis', async () => idempotencyInRedis(await empty()))
