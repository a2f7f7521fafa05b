import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readSse, type SseMessage } from '@santaclaude/kit/sse'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'

let redis: TestRedis
let log: EventLog
beforeAll(async () => {
  redis = await startRedis()
  log = openLog({ redisUrl: redis.url, trimEveryMs: 0 })
})
afterAll(async () => {
  await log.close()
  await redis.close()
})

let made = 0
async function withGroup(wish: Record<string, unknown> = {}) {
  const app = await startApp({ log })
  const topic = `leased-${++made}`
  const at = `/v1/topics/${topic}/groups/g`
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 2 } })
  await app.ask('PUT', at, { body: wish })
  const publish = (...data: unknown[]) =>
    app.ask('POST', `/v1/topics/${topic}/events`, { body: data.map((one) => ({ type: 'shop.said', data: one })) })
  const open = async (query: string) => {
    const response = await app.send('GET', `/v1/topics/${topic}/stream?${query}`)
    expect(response.status).toBe(200)
    const frames = readSse(response.body as ReadableStream<Uint8Array>)
    return { next: async () => (await frames.next()).value as SseMessage, close: () => frames.return(undefined) }
  }
  const settle = (receipt: string, op = 'ack') =>
    app.ask('POST', `${at}/settle`, { body: { settlements: [{ receipt, op }] } })
  return { ...app, topic, at, publish, open, settle, lag: () => log.lag({ tenant: 'acme', topic, group: 'g' }) }
}

const deliveryIn = ({ data }: SseMessage) => JSON.parse(data)

test('a stream consumes for a group: each frame a delivery, no more unsettled than its credit', async () => {
  const { publish, open, settle, lag } = await withGroup()
  await publish(1, 2, 3)
  const stream = await open('group=g&credit=2')
  expect(await stream.next()).toMatchObject({ event: 'mq.ready', data: '{"group":"g","credit":2}' })
  const first = await stream.next()
  expect(first).toMatchObject({ event: 'shop.said' })
  const [a] = [deliveryIn(first), deliveryIn(await stream.next())]
  expect(a.deliveries).toBe(1)
  expect(await lag()).toMatchObject({ leased: 2, ready: 1 })
  await settle(a.receipt)
  expect(deliveryIn(await stream.next()).event).toMatchObject({ specversion: '1.0', type: 'shop.said' })
  await stream.close()
})

test('a settlement that this process never saw makes room as well', async () => {
  const { publish, open, topic } = await withGroup()
  await publish(1, 2)
  const stream = await open('group=g&credit=1')
  await stream.next()
  const { receipt } = deliveryIn(await stream.next())
  const elsewhere = openLog({ redisUrl: redis.url })
  await elsewhere.settle({ tenant: 'acme', topic, group: 'g' }, [{ op: 'ack', receipt }])
  expect(deliveryIn(await stream.next()).deliveries).toBe(1)
  await elsewhere.close()
  await stream.close()
})

test('when a reader hangs up, what it had goes back at once; what it never saw does not count', async () => {
  const { publish, open, ask, at } = await withGroup({ leaseMs: 600_000 })
  await publish(1, 2, 3, 4)
  const stream = await open('group=g')
  await stream.next()
  await stream.next()
  const pulled = ask('POST', `${at}/pull`, { body: { max: 10, waitMs: 30_000 } })
  await stream.close()
  const got = (await pulled).body.deliveries
  while (got.length < 4)
    got.push(...(await ask('POST', `${at}/pull`, { body: { max: 10, waitMs: 30_000 } })).body.deliveries)
  expect(got.map(({ deliveries }: { deliveries: number }) => deliveries)).toContain(1)
})

test('a service that stops ends the stream and holds no lease after', async () => {
  const { publish, open, host, lag } = await withGroup({ leaseMs: 600_000 })
  await publish(1, 2)
  const stream = await open('group=g')
  await stream.next()
  await stream.next()
  host.drain.endStreams()
  for (let frame = await stream.next(); frame.event !== 'end'; frame = await stream.next());
  await host.drain.whenIdle()
  expect(await lag()).toMatchObject({ leased: 0, parked: 2 })
})

test('what cannot be is refused before the stream begins', async () => {
  const { ask, topic } = await withGroup()
  const code = async (query: string) => (await ask('GET', `/v1/topics/${topic}/stream?${query}`)).body.code
  expect(await code('group=nobody')).toBe('group_not_found')
  expect(await code('group=g&from=earliest')).toBe('validation_failed')
  expect(await code('leaseMs=1000')).toBe('validation_failed')
  expect(await code('group=g&credit=0')).toBe('validation_failed')
})
