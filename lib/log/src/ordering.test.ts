import { afterEach, expect, test } from 'bun:test'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { event, numberOf, until } from './conformance.ts'
import type { Delivery, EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'

/** What a group that orders goes through on a real Redis. */
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

function logOn(server: TestRedis): EventLog {
  const log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
  open.push(log)
  return log
}

const address = { tenant: 'acme', topic: 'orders' }
const group = { ...address, group: 'workers' }
const keyed = (n: number) => event(n, { partitionkey: `k${n % 7}` })
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

test('each key keeps its order while consumers vanish, give back, and Redis is killed', async () => {
  const server = await startRedis({ appendfsync: 'always' })
  open.push(server)
  const logs = [logOn(server), logOn(server)] as [EventLog, EventLog]
  const [log] = logs
  await log.createTopic(address, { partitions: 2 })
  await log.putGroup(group, { ordering: 'key', leaseMs: 150, deliveriesMax: 1_000 })
  await log.append(address, numbers(210).map(keyed))
  const acked: number[] = []
  /** Acks in doubt: Redis died before it answered. */
  const unsure = new Set<number>()
  const isDone = () => new Set([...acked, ...unsure]).size >= 210
  const upkeep = (async () => {
    while (!isDone())
      await log.sweep().then(
        () => new Promise((resolve) => setTimeout(resolve, 10)),
        () => {},
      )
  })()
  let turn = 0
  const consumer = async (own: EventLog) => {
    while (!isDone()) {
      const got = await own.pull(group, { max: 3, waitMs: 50 }).catch((): Delivery[] => [])
      for (const delivery of got) {
        const { receipt } = delivery
        turn++
        // Every ninth is forgotten, as by a consumer that died; every fifth is given back.
        if (turn % 9 === 0) continue
        const op = turn % 5 === 0 ? 'nack' : 'ack'
        const [settled] = await own.settle(group, [{ op, receipt }]).catch(() => {
          if (op === 'ack') unsure.add(numberOf(delivery))
          return []
        })
        if (op === 'ack' && settled?.ok) acked.push(numberOf(delivery))
      }
    }
  }
  const consumers = Promise.all([consumer(logs[0]), consumer(logs[1]), consumer(logs[0])])
  for (const mark of [40, 120]) {
    await until(async () => acked.length > mark)
    await server.kill9()
    await server.restart()
  }
  await consumers
  await upkeep
  expect(new Set(acked).size).toBe(acked.length)
  for (const key of numbers(7)) {
    const own = acked.filter((n) => n % 7 === key)
    expect(own).toEqual(own.toSorted((a, b) => a - b))
  }
}, 30_000)

test('a group that was destroyed in Redis is made again without its old line standing in its way', async () => {
  const server = await startRedis()
  open.push(server)
  const log = logOn(server)
  await log.createTopic(address, { partitions: 1 })
  await log.putGroup(group, { ordering: 'key' })
  await log.append(
    address,
    numbers(3).map((n) => event(n, { partitionkey: 'k' })),
  )
  await log.pull(group, { max: 3, waitMs: 0 })
  await log.deleteGroup(group)
  await log.putGroup(group, { ordering: 'key' })
  const seen: number[] = []
  for (const _ of numbers(3)) {
    const [next] = (await log.pull(group, { max: 3, waitMs: 0 })) as [Delivery]
    seen.push(numberOf(next))
    await log.settle(group, [{ op: 'ack', receipt: next.receipt }])
  }
  expect(seen).toEqual([0, 1, 2])
})

test('a dead letter that comes back waits behind what its key has under lease', async () => {
  const server = await startRedis()
  open.push(server)
  const log = logOn(server)
  await log.createTopic(address, { partitions: 1 })
  await log.putGroup(group, { ordering: 'key' })
  await log.append(
    address,
    numbers(3).map((n) => event(n, { partitionkey: 'k' })),
  )
  const next = async () => ((await log.pull(group, { max: 3, waitMs: 0 })) as Delivery[])[0]
  const poison = (await next()) as Delivery
  await log.settle(group, [{ op: 'term', receipt: poison.receipt }])
  const held = (await next()) as Delivery
  const { letters } = await log.deadLetters(group, { limit: 1 })
  const places = letters.map(({ entry: { partition }, streamId }) => ({ partition, streamId }))
  expect(await log.redrive(group, { places })).toBe(1)
  expect(await next()).toBeUndefined()
  await log.settle(group, [{ op: 'ack', receipt: held.receipt }])
  const order: number[] = []
  for (let one = await next(); one; one = await next()) {
    order.push(numberOf(one))
    await log.settle(group, [{ op: 'ack', receipt: one.receipt }])
  }
  expect(order).toEqual([2, 0])
})
