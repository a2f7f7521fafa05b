import { afterAll, beforeAll, expect, test } from 'bun:test'
import { startSentinel, type TestSentinel } from '@santaclaude/testkit/redis-sentinel'
import { openRedis, whenReady } from './open.ts'

let house: TestSentinel
beforeAll(async () => {
  house = await startSentinel()
}, 60_000)
afterAll(() => house?.close())

test('the sentinels lead to the primary, and to the next one when it dies, without a restart', async () => {
  const redis = openRedis(house.url, { name: 'test' })
  await whenReady(redis, 5_000)
  const before = await house.primary()
  expect(await redis.info('server')).toContain(`tcp_port:${before.port}`)
  await redis.set('kept', '1')
  expect(await redis.wait(2, 5_000)).toBe(2)
  await before.kill9()
  for (let isServed = false; !isServed; )
    isServed = await redis.incr('counted').then(
      () => true,
      () => false,
    )
  expect((await house.primary()).port).not.toBe(before.port)
  expect([await redis.get('kept'), await redis.get('counted')]).toEqual(['1', '1'])
  redis.disconnect()
}, 60_000)
