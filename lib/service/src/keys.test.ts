import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { keysConformance } from './keys-conformance.ts'
import { keysInMemory } from './keys-memory.ts'
import { keysInRedis } from './keys-redis.ts'

let server: TestRedis
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'keys-test' })
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

keysConformance('memory', keysInMemory)
keysConformance('Redis', async () => {
  await redis.flushall()
  return keysInRedis(redis)
})

test('a Redis that is away is a store_unavailable, not an accident', async () => {
  const closed = openRedis('redis://127.0.0.1:1', { name: 'nobody', refusesOffline: true })
  expect(
    await keysInRedis(closed)
      .find('abcdefghijkl')
      .catch((fault) => fault.code),
  ).toBe('store_unavailable')
  closed.disconnect()
})
