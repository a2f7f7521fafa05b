import { afterAll, beforeAll, expect, test } from 'bun:test'
import { startCluster, type TestCluster } from '@santaclaude/testkit/redis-cluster'
import type { Redis } from 'ioredis'
import { primaryNow, serverOf, slotOf } from './cluster.ts'
import { openRedis, whenReady } from './open.ts'
import { script } from './script.ts'

let cluster: TestCluster
let redis: Redis
beforeAll(async () => {
  cluster = await startCluster()
  redis = openRedis(cluster.url, { name: 'test' })
  await whenReady(redis, 5_000)
}, 60_000)
afterAll(async () => {
  redis?.disconnect()
  await cluster?.close()
})

test('our slots are the server’s slots', async () => {
  for (const key of ['a', '{user}:1', 'x{}y', 'x{a}{b}', '{', 'é{ü}', 'mq:{t:n:0}:s', ''])
    expect([key, slotOf(key)]).toEqual([key, Number(await cluster.nodes[0]?.ask.call('CLUSTER', 'KEYSLOT', key))])
})

test('keys of every slot are written and read', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, n) => redis.set(`key:${n}`, n)))
  const values = await Promise.all(Array.from({ length: 50 }, (_, n) => redis.get(`key:${n}`)))
  expect(values.map(Number)).toEqual([...Array(50).keys()])
})

test('a script is taught to each server it reaches', async () => {
  const where = script(`return redis.call('SET', KEYS[1], ARGV[1])`)
  for (let n = 0; n < 20; n++) expect(await where<string>(redis, [`script:${n}`], [n])).toBe('OK')
})

test('a subscriber hears what any server publishes', async () => {
  const listener = openRedis(cluster.url, { name: 'listener', blocking: true, lazy: true })
  const heard = new Promise<string>((resolve) => listener.on('message', (_, text: string) => resolve(text)))
  await listener.subscribe('bell')
  for (const { ask } of cluster.nodes.slice(0, 3)) await ask.publish('bell', 'ding')
  expect(await heard).toBe('ding')
  listener.disconnect()
})

test('a primary dies: what was in flight is refused once, and its slots are served again without a restart', async () => {
  const before = await cluster.primaryOf('doubt')
  const old = primaryNow(redis, 'doubt')
  expect(old).toBeDefined()
  process.kill(before.server.pid, 'SIGSTOP')
  const outcomes = Promise.allSettled(Array.from({ length: 20 }, (_, n) => redis.xadd('doubt', '*', 'n', String(n))))
  await before.server.kill9()
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
  const server = await serverOf(redis, 'doubt', 20_000)
  expect(server.options.port).not.toBe(before.server.port)
  expect(await server.xlen('doubt')).toBe(0)
  for (;;) {
    const id = await redis.xadd('doubt', '*', 'n', '1').catch(() => null)
    if (id) break
  }
  expect(await redis.xlen('doubt')).toBe(1)
}, 60_000)
