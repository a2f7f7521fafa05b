import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'
import { startUpkeep } from '../upkeep/upkeep.ts'

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
/** A fresh topic with a group on it, on a real Redis. */
async function withGroup(wish: Record<string, unknown> = {}) {
  const app = await startApp({ log })
  const topic = `orders-${++made}`
  const at = `/v1/topics/${topic}/groups/billing`
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 2 } })
  expect((await app.ask('PUT', at, { body: wish })).status).toBe(201)
  return {
    ...app,
    ...{ topic, at },
    publish: (...data: unknown[]) =>
      app.ask('POST', `/v1/topics/${topic}/events`, { body: data.map((one) => ({ type: 't', data: one })) }),
    pull: async (body: Record<string, unknown> = {}) => (await app.ask('POST', `${at}/pull`, { body })).body.deliveries,
    settle: async (...settlements: Record<string, unknown>[]) =>
      (await app.ask('POST', `${at}/settle`, { body: { settlements } })).body.results,
    lag: async () => (await app.ask('GET', `${at}/lag`)).body,
  }
}

test('a group is made, described, changed, listed and deleted', async () => {
  const { ask, at, topic } = await withGroup({ deliveriesMax: 3, backoffMs: [1_000] })
  expect((await ask('GET', at)).body).toMatchObject({ group: 'billing', topic, leaseMs: 30_000, deliveriesMax: 3 })
  expect((await ask('PUT', at, { body: { leaseMs: 5_000 } })).body).toMatchObject({ leaseMs: 5_000, deliveriesMax: 3 })
  expect((await ask('GET', `/v1/topics/${topic}/groups`)).body.groups).toHaveLength(1)
  expect((await ask('DELETE', at)).status).toBe(204)
  expect((await ask('GET', at)).body).toMatchObject({ status: 404, code: 'group_not_found' })
  expect((await ask('POST', `${at}/pull`, { body: {} })).status).toBe(404)
  expect((await ask('POST', `${at}/settle`, { body: { settlements: [{ receipt: 'x', op: 'ack' }] } })).status).toBe(404)
  expect((await ask('GET', '/v1/topics/nowhere/groups')).status).toBe(404)
})

test('what was published is pulled under lease and settled, each with its own result', async () => {
  const { publish, pull, settle, lag } = await withGroup()
  await publish(1, 2, 3)
  const deliveries = await pull({ max: 10 })
  expect(deliveries.map(({ event }: { event: { data: number } }) => event.data).toSorted()).toEqual([1, 2, 3])
  expect(await pull()).toEqual([])
  const [a, b, c] = deliveries
  const results = await settle(
    { receipt: a.receipt, op: 'ack' },
    { receipt: b.receipt, op: 'nack', delayMs: 3_600_000, reason: 'busy' },
    { receipt: c.receipt, op: 'term', reason: 'poison' },
    { receipt: a.receipt, op: 'ack' },
    { receipt: 'nonsense', op: 'extend' },
  )
  expect(results).toEqual([
    { receipt: a.receipt, ok: true },
    { receipt: b.receipt, ok: true },
    { receipt: c.receipt, ok: true, dead: true },
    { receipt: a.receipt, ok: false, code: 'lease_lost' },
    { receipt: 'nonsense', ok: false, code: 'bad_receipt' },
  ])
  expect(await lag()).toMatchObject({ ready: 0, leased: 0, parked: 1, dead: 1 })
})

test('a long poll is answered as soon as something is published', async () => {
  const { publish, pull } = await withGroup()
  const waiting = pull({ waitMs: 30_000 })
  await publish('now')
  expect(await waiting).toMatchObject([{ deliveries: 1, event: { data: 'now' } }])
})

test('a long poll ends when the service drains, so that nobody is cut off', async () => {
  const { pull, host } = await withGroup()
  const waiting = pull({ waitMs: 30_000 })
  while (host.drain.inFlight === 0) await pause(1)
  host.drain.endStreams()
  expect(await waiting).toEqual([])
})

test('upkeep takes back what nobody settled, and tells the tenant what died', async () => {
  const { ask, publish, pull, at, topic, meters, warn, emit, redrives, schedules } = await withGroup({
    leaseMs: 1_000,
    deliveriesMax: 1,
  })
  await publish('lost cause')
  expect(await pull()).toHaveLength(1)
  const upkeep = startUpkeep({ log, meters, warn, emit, redrives, schedules }, { everyMs: 20 })
  const letters = async () => (await ask('GET', `${at}/dead-letters`)).body.deadLetters
  while ((await letters()).length === 0) await pause(20)
  await upkeep.close()
  expect(await letters()).toMatchObject([{ reason: 'lease expired', deliveries: 1, event: { data: 'lost cause' } }])
  const told = (await ask('GET', '/v1/topics/mq/events')).body.events.map(({ event }: { event: unknown }) => event)
  expect(told).toContainEqual(
    expect.objectContaining({ type: 'mq.delivery.died', data: { topic, group: 'billing', count: 1 } }),
  )
})

test('requests that do not fit are refused in words', async () => {
  const { ask, at } = await withGroup()
  const statuses = await Promise.all([
    ask('POST', `${at}/pull`, { body: { max: 0 } }),
    ask('POST', `${at}/pull`, { body: { waitMs: 30_001 } }),
    ask('POST', `${at}/settle`, { body: { settlements: [] } }),
    ask('POST', `${at}/settle`, { body: { settlements: [{ receipt: 'x', op: 'eat' }] } }),
    ask('PUT', `${at}-2`, { body: { start: 'nonsense' } }),
    ask('PUT', `${at}-2`, { body: { leaseMs: 10 } }),
  ])
  expect(statuses.map(({ status, body }) => `${status} ${body.code}`)).toEqual([
    ...Array(4).fill('422 validation_failed'),
    '400 bad_cursor',
    '422 validation_failed',
  ])
})

test('a group takes only what its filter lets through, one of a key at a time', async () => {
  const { ask, at, topic, pull, settle, lag } = await withGroup({
    filter: { types: ['shop.order.*'], where: 'data.total >= 100' },
    ordering: 'key',
  })
  const order = (total: number, type = 'shop.order.placed') => ({ type, partitionkey: 'c7', data: { total } })
  await ask('POST', `/v1/topics/${topic}/events`, {
    body: [order(5), order(100), order(7, 'shop.cart.left'), order(200)],
  })
  const [first, ...none] = await pull({ max: 10 })
  expect([first.event.data.total, none]).toEqual([100, []])
  await settle({ receipt: first.receipt, op: 'ack' })
  expect(await pull({ max: 10 })).toMatchObject([{ event: { data: { total: 200 } } }])
  expect(await lag()).toMatchObject({ filtered: 2, leased: 1, ready: 0 })
  expect((await ask('PUT', at, { body: { ordering: 'none' } })).body).toMatchObject({ status: 409, code: 'conflict' })
  expect((await ask('GET', at)).body).toMatchObject({ ordering: 'key', inFlightMax: null, paused: false })
})

test('a filter that cannot be read is refused with its place, and makes no group', async () => {
  const { ask, at } = await withGroup()
  const where = await ask('PUT', `${at}-2`, { body: { filter: { where: 'data.total > ' } } })
  expect(where.body).toMatchObject({ status: 400, code: 'invalid_filter' })
  expect(where.body.errors).toEqual([{ path: '/body/filter/where', message: expect.stringContaining('character 13') }])
  const types = await ask('PUT', `${at}-2`, { body: { filter: { types: ['ok', '*.x'] } } })
  expect(types.body.errors).toMatchObject([{ path: '/body/filter/types/1' }])
  expect((await ask('GET', `${at}-2`)).status).toBe(404)
})

test('a group is paused, resumed and moved; the tenant is told and the acts are on record', async () => {
  const { ask, at, topic, publish, pull, settle, audit } = await withGroup()
  await publish(1, 2)
  expect((await ask('POST', `${at}/pause`)).body).toMatchObject({ paused: true })
  expect(await pull()).toEqual([])
  expect((await ask('POST', `${at}/resume`)).body).toMatchObject({ paused: false })
  const [first] = await pull({ max: 1 })
  expect((await ask('POST', `${at}/seek`, { body: { to: 'latest' } })).status).toBe(200)
  expect(await pull()).toEqual([])
  expect(await settle({ receipt: first.receipt, op: 'ack' })).toMatchObject([{ code: 'lease_lost' }])
  await ask('POST', `${at}/seek`, { body: { partition: first.partition, streamId: first.streamId } })
  expect(await pull({ max: 1 })).toMatchObject([{ streamId: first.streamId, deliveries: 1 }])
  await ask('POST', `${at}/seek`, { body: { since: '2020-01-01T00:00:00Z' } })
  expect(await pull()).toHaveLength(2)
  const told = (await ask('GET', '/v1/topics/mq/events')).body.events.map((one: { event: unknown }) => one.event)
  for (const type of ['mq.group.paused', 'mq.group.resumed', 'mq.group.moved']) {
    expect(told).toContainEqual(expect.objectContaining({ type, data: { topic, group: 'billing' } }))
    expect(audit.records).toContainEqual(expect.objectContaining({ action: type, outcome: 'success' }))
  }
})

test('a pull may ask for a lease and a size of its own', async () => {
  const { publish, pull, settle } = await withGroup({ leaseMs: 1_000 })
  await publish('x'.repeat(500), 'y'.repeat(500))
  const [only, ...more] = await pull({ max: 2, maxBytes: 600, leaseMs: 60_000 })
  expect(more).toEqual([])
  expect(await settle({ receipt: only.receipt, op: 'extend', leaseMs: 120_000 })).toMatchObject([{ ok: true }])
})

test('a move that says nothing, or too much, is refused', async () => {
  const { ask, at } = await withGroup()
  const codes = []
  for (const body of [{}, { partition: 0 }, { to: 'earliest', partition: 0, streamId: '1-1' }, { to: 'nonsense' }])
    codes.push((await ask('POST', `${at}/seek`, { body })).body.code)
  expect(codes).toEqual([...Array(3).fill('validation_failed'), 'bad_cursor'])
  expect((await ask('POST', `${at}-9/seek`, { body: { to: 'latest' } })).body.code).toBe('group_not_found')
})
