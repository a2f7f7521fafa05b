import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startSentinel, type TestSentinel } from '@santaclaude/testkit/redis-sentinel'
import { event, eventLogConformance, numberOf, until } from './conformance.ts'
import { openLog } from './redis-streams.ts'

let house: TestSentinel
beforeAll(async () => {
  house = await startSentinel()
}, 60_000)
afterAll(() => house?.close())

eventLogConformance('redis-streams behind sentinels', async () => {
  const log = openLog({ redisUrl: house.url, trimEveryMs: 0 })
  return { log, close: () => log.close() }
})

test('a replica without the tail takes over: readers are told, not left to skip or repeat', async () => {
  const [log, primary] = [openLog({ redisUrl: house.url, trimEveryMs: 0 }), await house.primary()]
  const address = { tenant: 'acme', topic: 'cut' }
  await log.createTopic(address, { partitions: 1 })
  await log.append(address, [event(1)], { durability: { replicas: 2 } })
  const replicas = house.servers.filter(({ port }) => port !== primary.port)
  for (const { pid } of replicas) process.kill(pid, 'SIGSTOP')
  const ask = openRedis(primary.url, { name: 'test' })
  await ask.call('CLIENT', 'KILL', 'TYPE', 'replica')
  ask.disconnect()
  await log.append(address, [event(2)])
  const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
  await primary.kill9()
  for (const { pid } of replicas) process.kill(pid, 'SIGCONT')
  await until(async () => (await log.append(address, [event(3)]).catch(() => [])).length > 0)
  const page = await until(() => log.read(address, { from: { cursor }, limit: 10 }).catch(() => undefined))
  expect(page.gaps).toMatchObject([{ reason: 'epoch_changed', partition: 0 }])
  expect(page.entries.map((entry) => numberOf({ entry }))).toContain(3)
  await primary.restart()
  await log.close()
  await house.whole()
}, 120_000)

test('the primary dies: nothing acknowledged under replicas=2 is lost, and everything goes on by itself', async () => {
  const log = openLog({ redisUrl: house.url, trimEveryMs: 0 })
  const address = { tenant: 'acme', topic: 'failover' }
  const group = { ...address, group: 'workers' }
  await log.createTopic(address)
  await log.putGroup(group)
  const acked = new Set<number>()
  let isOver = false
  const publisher = async (first: number) => {
    for (let n = first; !isOver; n += 4)
      await log.append(address, [event(n)], { durability: { replicas: 2 } }).then(
        () => acked.add(n),
        () => {},
      )
  }
  const publishers = Promise.all([0, 1, 2, 3].map(publisher))
  await until(async () => acked.size > 200)
  const before = await house.primary()
  await before.kill9()
  await until(async () => (await log.append(address, [event(-1)]).catch(() => [])).length > 0)
  isOver = true
  await publishers
  expect((await house.primary()).port).not.toBe(before.port)
  const seen = new Set<number>()
  await until(async () => {
    const deliveries = await log.pull(group, { max: 500, waitMs: 0 }).catch(() => [])
    for (const delivery of deliveries) seen.add(numberOf(delivery))
    return deliveries.length === 0 && seen.size >= acked.size
  })
  expect([...acked].filter((n) => !seen.has(n))).toEqual([])
  await log.close()
}, 120_000)
