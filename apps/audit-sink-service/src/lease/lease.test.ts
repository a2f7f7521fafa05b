import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { leasesConformance } from './conformance.ts'
import { memoryLeases } from './memory.ts'
import { redisLeases } from './redis.ts'

let server: TestRedis
let redis: ReturnType<typeof openRedis>
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'lease-test' })
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

leasesConformance('Redis', async () => {
  const prefix = `lease:${crypto.randomUUID()}:`
  return {
    one: redisLeases(redis, { prefix, owner: 'one', lifeMs: 2_000 }),
    other: redisLeases(redis, { prefix, owner: 'other', lifeMs: 2_000 }),
    expire: async (name) => {
      await redis.del(`${prefix}${name}`)
    },
  }
})

leasesConformance('memory', async () => {
  const leases = memoryLeases()
  return { one: leases, other: leases, expire: async (name) => leases.expire(name) }
})

test('a lease is kept for longer than its life while Redis answers, and lost when it does not', async () => {
  const leases = redisLeases(redis, { prefix: 'lease:kept:', owner: 'one', lifeMs: 300 })
  const lease = await leases.acquire('a')
  const from = lease?.nowMs() ?? 0
  while ((lease?.nowMs() ?? 0) < from + 700) await Bun.sleep(20)
  expect(lease?.lost.aborted).toBeFalse()
  expect(await redis.get('lease:kept:a')).toBe('one')
  await server.kill9()
  if (lease && !lease.lost.aborted) await new Promise((done) => lease.lost.addEventListener('abort', done))
  await server.restart()
})
