import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { event, numberOf, until } from './conformance.ts'
import { compareIds } from './cursor.ts'
import { before, generationOf, placeOfKey } from './generations.ts'
import { partitionKeys } from './names.ts'
import type { EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'
import { runScript } from './scripts.ts'

let server: TestRedis
let redis: Redis
let log: EventLog
let other: EventLog
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
  ;[log, other] = [openLog({ redisUrl: server.url }), openLog({ redisUrl: server.url })]
})
afterAll(async () => {
  await Promise.all([log.close(), other.close()])
  redis.disconnect()
  await server.close()
})

test('a key comes from one of the partitions that its new one follows', () => {
  for (const generations of [
    [1, 3],
    [4, 6],
    [4, 8, 12],
    [3, 7],
    [2, 2],
  ])
    for (let n = 0; n < 200; n++)
      for (let newest = 1; newest < generations.length; newest++) {
        const now = { generations: generations.slice(0, newest + 1) }
        const then = { generations: generations.slice(0, newest) }
        expect(before(now, placeOfKey(now, `key ${n}`))).toContain(placeOfKey(then, `key ${n}`))
        expect(generationOf(now.generations, placeOfKey(now, `key ${n}`))).toBe(newest)
      }
  expect(before({ generations: [4, 8] }, 4 + 5)).toEqual([1])
})

test('a process that does not know yet finds its partition sealed and appends where the key lies now', async () => {
  const address = { tenant: 'acme', topic: 'stale' }
  await log.createTopic(address, { partitions: 2 })
  const keyed = (n: number) => event(n, { partitionkey: `${n % 5}`, idempotency: { key: `${n}`, bodyHash: '' } })
  await log.append(address, [keyed(0)])
  await other.changeTopic(address, { partitions: 3 })
  const outcomes = await log.append(address, [keyed(0), ...Array.from({ length: 20 }, (_, n) => keyed(n + 1))])
  expect(outcomes.map((outcome) => outcome.ok && outcome.partition < 2 === outcome.isDuplicate)).toEqual(
    Array(21).fill(true),
  )
  expect(await other.size(address)).toBe(21)
})

test('the first id of a new partition is above all before it, and its books begin at nothing', async () => {
  const address = { tenant: 'acme', topic: 'floor' }
  await log.createTopic(address, { partitions: 1 })
  const ahead = `${Date.now() + 3_600_000}-7`
  await redis.xadd(
    partitionKeys(address, 0).stream,
    ahead,
    ...['i', 'x', 't', 't', 's', '/s', 'k', '', 'm', '{}', 'd', ''],
  )
  await log.changeTopic(address, { partitions: 2 })
  const info = (await redis.xinfo('STREAM', partitionKeys(address, 1).stream)) as unknown[]
  const [added, last, length] = ['entries-added', 'last-generated-id', 'length'].map(
    (name) => info[info.indexOf(name) + 1],
  )
  expect({ added, last, length }).toEqual({ added: 0, last: ahead, length: 0 })
  const [outcome] = await log.append(address, [event(1)])
  expect(outcome?.ok && compareIds(outcome.streamId, ahead) > 0).toBe(true)
})

test('growing that a process died over is finished by whoever appends', async () => {
  const address = { tenant: 'acme', topic: 'half' }
  const group = { ...address, group: 'workers' }
  await log.createTopic(address, { partitions: 2 })
  await log.putGroup(group)
  await log.append(address, [event(0, { partitionkey: 'k' })])
  const { stream, meta } = partitionKeys(address, 0)
  await runScript(redis, 'seal', [stream, meta], [4])
  const outcomes = await log.append(
    address,
    Array.from({ length: 20 }, (_, n) => event(n + 1, { partitionkey: `${n}` })),
  )
  expect(outcomes.every(({ ok }) => ok)).toBe(true)
  expect(await log.topic(address)).toMatchObject({ generations: [2, 4] })
  const seen = new Set<number>()
  await until(async () => {
    for (const delivery of await log.pull(group, { max: 50, waitMs: 0 })) seen.add(numberOf(delivery))
    return seen.size === 21
  })
})

test('readers in another process follow the growth, in order', async () => {
  const address = { tenant: 'acme', topic: 'followed' }
  const group = { ...address, group: 'workers' }
  await log.createTopic(address, { partitions: 2 })
  await log.putGroup(group)
  const stopping = new AbortController()
  const tailed: number[] = []
  const isReady = Promise.withResolvers<void>()
  const tailing = (async () => {
    for await (const item of other.tail(address, { from: { at: 'latest' }, signal: stopping.signal }))
      if (item.kind === 'ready') isReady.resolve()
      else if (item.kind === 'entry') tailed.push(numberOf(item))
  })()
  const pulled: number[] = []
  const pulling = (async () => {
    while (pulled.length < 400)
      for (const delivery of await other.pull(group, { max: 10, waitMs: 1_000 })) {
        pulled.push(numberOf(delivery))
        await other.settle(group, [{ op: 'ack', receipt: delivery.receipt }])
      }
  })()
  await isReady.promise
  for (let n = 0; n < 400; n++) {
    if (n % 100 === 50) await log.changeTopic(address, { partitions: 3 + n / 50 })
    await log.append(address, [event(n, { partitionkey: 'k' })])
  }
  await Promise.all([pulling, until(async () => tailed.length >= 400)])
  stopping.abort()
  await tailing
  expect(pulled).toEqual([...Array(400).keys()])
  expect(tailed).toEqual([...Array(400).keys()])
}, 30_000)

test('a live reader whom no bell told of an event sees it before those that came after the growth', async () => {
  const address = { tenant: 'acme', topic: 'unrung' }
  await log.createTopic(address, { partitions: 1 })
  const stopping = new AbortController()
  const tailed: number[] = []
  const isReady = Promise.withResolvers<void>()
  const tailing = (async () => {
    for await (const item of log.tail(address, { from: { at: 'earliest' }, signal: stopping.signal }))
      if (item.kind === 'entry') {
        tailed.push(numberOf(item))
        isReady.resolve()
      }
  })()
  await log.append(address, [event(0, { partitionkey: 'k' })])
  await isReady.promise
  const fields = ['i', 'x', 't', 't', 's', '/s', 'k', 'k', 'm', '{}', 'd', '{"n":1}']
  await redis.xadd(partitionKeys(address, 0).stream, '*', ...fields)
  await log.changeTopic(address, { partitions: 2 })
  await log.append(address, [event(2, { partitionkey: 'k' })])
  await until(async () => tailed.length === 3)
  stopping.abort()
  await tailing
  expect(tailed).toEqual([0, 1, 2])
})
