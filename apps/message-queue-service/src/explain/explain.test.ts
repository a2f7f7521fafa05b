import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { startApp } from '../app.fixture.ts'

let server: TestRedis
let redis: Redis
let log: EventLog
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
  log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
})
afterAll(async () => {
  await log.close()
  redis.disconnect()
  await server.close()
})

let made = 0
async function withGroup(wish: Record<string, unknown> = {}) {
  const app = await startApp({ log })
  const topic = `orders-${++made}`
  const at = `/v1/topics/${topic}/groups/billing`
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 1 } })
  expect((await app.ask('PUT', at, { body: wish })).status).toBe(201)
  await log.sweep()
  const publish = (count: number, more: Record<string, unknown> = {}) =>
    app.ask('POST', `/v1/topics/${topic}/events`, {
      body: Array.from({ length: count }, (_, n) => ({ type: 'shop.order.placed', data: n, ...more })),
    })
  const pull = async (max = 10): Promise<{ receipt: string; event: { id: string } }[]> =>
    (await app.ask('POST', `${at}/pull`, { body: { max } })).body.deliveries
  const settle = (...settlements: Record<string, unknown>[]) =>
    app.ask('POST', `${at}/settle`, { body: { settlements } })
  const explain = async () => (await app.ask('GET', `${at}/explain`)).body
  const codes = async () => (await explain()).reasons.map(({ code }: { code: string }) => code)
  return { ...app, topic, at, publish, pull, settle, explain, codes }
}

test('each reason why nothing comes is told, with what to do', async () => {
  const { ask, at, publish, pull, settle, explain, codes } = await withGroup()
  expect(await codes()).toEqual(['nothing_published'])
  await publish(3)
  expect(await explain()).toMatchObject({ isBlocked: false, reasons: [{ code: 'deliverable' }] })
  await ask('POST', `${at}/pause`)
  expect(await codes()).toEqual(['paused'])
  await ask('POST', `${at}/resume`)
  const [one, two, three] = await pull()
  const leased = await explain()
  expect(leased).toMatchObject({ isBlocked: true, reasons: [{ code: 'all_leased', count: 3 }] })
  expect(Date.parse(leased.reasons[0].until)).toBeGreaterThan(Date.now())
  await settle({ receipt: one?.receipt, op: 'nack', delayMs: 3_600_000 }, { receipt: two?.receipt, op: 'ack' })
  await settle({ receipt: three?.receipt, op: 'term' })
  expect(await codes()).toEqual(['waiting_for_due_time', 'has_dead_letters'])
  await ask('PUT', at, { body: { inFlightMax: 1 } })
  await publish(2)
  await pull()
  expect(await codes()).toEqual(['in_flight_limit', 'has_dead_letters'])
})

test('order, filter, delay and a group that is done are reasons too', async () => {
  const ordered = await withGroup({ ordering: 'key' })
  await ordered.publish(3, { partitionkey: 'k' })
  expect(await ordered.pull()).toHaveLength(1)
  expect(await ordered.codes()).toEqual(['blocked_by_order', 'all_leased'])

  const filtered = await withGroup({ filter: { types: ['other.*'] } })
  await filtered.publish(2)
  expect(await filtered.pull()).toEqual([])
  expect(await filtered.codes()).toEqual(['filter_lets_nothing_through'])

  const done = await withGroup()
  await done.publish(1)
  await done.settle(...(await done.pull()).map(({ receipt }) => ({ receipt, op: 'ack' })))
  expect(await done.codes()).toEqual(['all_settled'])
})

test('upkeep that is missing and a store that takes no writes are named', async () => {
  const { codes, publish } = await withGroup()
  await publish(1)
  await redis.del('mq:{sweep}:own')
  expect(await codes()).toEqual(['upkeep_missing'])
  await log.sweep()
  await redis.config('SET', 'maxmemory', '1mb')
  expect(await codes()).toEqual(['store_full'])
  await redis.config('SET', 'maxmemory', '0')
})

test('what is out is listed, and lag is told in events and seconds', async () => {
  const { ask, at, publish, pull, settle } = await withGroup()
  await publish(5)
  const [one] = await pull(3)
  await settle({ receipt: one?.receipt, op: 'nack', delayMs: 3_600_000 })
  const first = (await ask('GET', `${at}/pending?limit=2`)).body
  expect(first.pending).toHaveLength(2)
  const rest = (await ask('GET', `${at}/pending?after=${first.next}`)).body
  expect([...first.pending, ...rest.pending].map(({ state }) => state).toSorted()).toEqual([
    'leased',
    'leased',
    'parked',
  ])
  const lag = (await ask('GET', `${at}/lag`)).body
  expect(lag).toMatchObject({ events: 5, ready: 2, leased: 2, parked: 1 })
  expect(lag.seconds).toBeGreaterThanOrEqual(0)
  expect((await ask('GET', `${at}/pending?after=x`)).body).toMatchObject({ code: 'bad_cursor' })
  expect((await ask('GET', `${at}x/explain`)).body).toMatchObject({ code: 'group_not_found' })
})

test('one event is read by its id and followed through every group', async () => {
  const { ask, at, topic, publish, pull, settle } = await withGroup({ deliveriesMax: 3 })
  await ask('PUT', `/v1/topics/${topic}/groups/mail`, { body: { filter: { types: ['other.*'] } } })
  await publish(1)
  for (const reason of ['busy', 'broken']) {
    const [delivery] = await pull()
    await settle({ receipt: delivery?.receipt, op: 'nack', reason })
  }
  const [last] = await pull()
  await settle({ receipt: last?.receipt, op: 'ack' })
  await ask('POST', `/v1/topics/${topic}/groups/mail/pull`, { body: {} })
  const id = last?.event.id
  const event = `/v1/topics/${topic}/events/${id}`
  const { body } = await ask('GET', event)
  expect(body).toMatchObject({ partition: 0, event: { id, type: 'shop.order.placed', data: 0 } })
  const trace = (await ask('GET', `${event}/trace?at=0.${body.streamId}`)).body
  expect(trace).toMatchObject({
    id,
    groups: [
      { group: 'billing', state: 'settled' },
      { group: 'mail', state: 'filtered' },
    ],
  })
  expect(trace.groups[0].attempts).toMatchObject([
    { outcome: 'nacked', deliveries: 1, reason: 'busy' },
    { outcome: 'nacked', deliveries: 2, reason: 'broken' },
    { outcome: 'acked', deliveries: 3 },
  ])
  expect((await ask('GET', `/v1/topics/${topic}/events/nobody`)).body).toMatchObject({ code: 'event_not_found' })
  expect((await ask('GET', `${at}/explain`)).status).toBe(200)
})
