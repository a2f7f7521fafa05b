import { expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { memoryLog } from '@santaclaude/log/memory'
import { startApp } from '../app.fixture.ts'
import { Registry } from './registry.ts'
import { schemasInMemory } from './store/memory.ts'

const order = { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } }

async function withTopic(mode: string) {
  const app = await startApp()
  await app.ask('PUT', '/v1/topics/orders', { body: { schema: mode } })
  const put = (body: unknown, type = 'shop.order.placed') => app.ask('PUT', `/v1/schemas/${type}`, { body })
  const publish = (body: unknown, headers: HeadersInit = {}) =>
    app.ask('POST', '/v1/topics/orders/events', { body, headers })
  const stored = async () => (await app.ask('GET', '/v1/topics/orders/events')).body.events.length
  return { ...app, put, publish, stored }
}

test('a schema is registered, repeated, replaced, read, listed and deleted', async () => {
  const { ask, put } = await withTopic('off')
  expect(await put({ schema: order })).toMatchObject({ status: 201, body: { version: 1, compatibility: 'backward' } })
  expect(await put({ schema: order })).toMatchObject({ status: 200, body: { version: 1 } })
  const wider = { ...order, properties: { order: { type: ['integer', 'string'] } } }
  expect(await put({ schema: wider })).toMatchObject({ status: 201, body: { version: 2 } })
  expect((await ask('GET', '/v1/schemas/shop.order.placed')).body).toMatchObject({
    version: 2,
    latest: 2,
    schema: wider,
  })
  const first = (await ask('GET', '/v1/schemas/shop.order.placed/versions/1')).body
  expect(first).toMatchObject({ version: 1, latest: 2, schema: order })
  expect((await ask('GET', '/v1/schemas/shop.order.placed/versions/3')).status).toBe(404)
  await put({ schema: true }, 'another')
  const listed = (await ask('GET', '/v1/schemas?limit=1')).body
  expect(listed).toMatchObject({ types: [{ type: 'another', version: 1 }], next: 'another' })
  expect((await ask('DELETE', '/v1/schemas/another')).status).toBe(204)
  expect((await ask('GET', '/v1/schemas/another')).status).toBe(404)
})

test('a version that breaks readers is a 409 that names the place, and the check says so without keeping anything', async () => {
  const { ask, put } = await withTopic('off')
  await put({ schema: order })
  const broken = { ...order, properties: { order: { type: 'string' } } }
  const verdict = await ask('POST', '/v1/schemas/shop.order.placed/check', { body: { schema: broken } })
  expect(verdict.body).toMatchObject({ compatible: false, against: 1, conflicts: [{ path: '/properties/order/type' }] })
  const refused = await put({ schema: broken })
  expect(refused.body).toMatchObject({
    status: 409,
    code: 'conflict',
    errors: [{ path: '/body/schema/properties/order/type' }],
  })
  expect((await put({ schema: broken, compatibility: 'none' })).status).toBe(201)
  const unknown = await ask('POST', '/v1/schemas/nobody/check', { body: { schema: order } })
  expect(unknown.body).toEqual({ compatible: true, compatibility: 'backward', against: null, conflicts: [] })
})

test('what is no schema is refused with where and why, and nothing is stored', async () => {
  const { ask, put } = await withTopic('off')
  for (const schema of [
    { type: 'text' },
    { $ref: 'https://example.com/x' },
    7,
    { properties: { a: { pattern: '(' } } },
  ]) {
    const { status, body } = await put({ schema })
    expect(`${status} ${body.code}`).toBe('422 validation_failed')
    expect(body.errors[0].path).toStartWith('/body/schema')
  }
  expect((await ask('GET', '/v1/schemas')).body.types).toEqual([])
})

test('where a topic enforces, an event that does not fit is refused with a pointer, and nothing of the request is kept', async () => {
  const { put, publish, stored } = await withTopic('enforce')
  await put({ schema: order })
  const good = { type: 'shop.order.placed', data: { order: 1 } }
  const bad = { type: 'shop.order.placed', data: { order: 'x' } }
  const refused = await publish([good, bad, { type: 'shop.order.placed' }])
  expect(refused.body).toMatchObject({
    ...{ status: 422, code: 'schema_violation' },
    errors: [
      { path: '/body/1/data/order', message: 'must be integer (version 1 of shop.order.placed)' },
      { path: '/body/2/data', message: 'must be object (version 1 of shop.order.placed)' },
    ],
  })
  expect((await publish(bad)).body.errors[0].path).toBe('/body/data/order')
  expect(await stored()).toBe(0)
  expect((await publish([good, { type: 'a.type.without.schema', data: 'anything' }])).status).toBe(201)
  expect(await stored()).toBe(2)
})

test('a line of NDJSON that does not fit is refused alone', async () => {
  const { put, send, stored } = await withTopic('enforce')
  await put({ schema: order })
  const lines = [{ order: 1 }, { order: 'x' }, { order: 2 }].map((data) =>
    JSON.stringify({ type: 'shop.order.placed', data }),
  )
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await send('POST', '/v1/topics/orders/events', { body: lines.join('\n'), headers })
  const results = (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(results).toMatchObject([
    { line: 1, partition: expect.any(Number) },
    { line: 2, code: 'schema_violation', detail: '/data/order must be integer.' },
    { line: 3, partition: expect.any(Number) },
    { end: true, lines: 3, new: 2, refused: 1 },
  ])
  expect(await stored()).toBe(2)
})

test('where a topic only warns, the event is kept, counted and told', async () => {
  const { put, publish, stored, ask, host } = await withTopic('warn')
  await put({ schema: order })
  for (let n = 0; n < 3; n++) expect((await publish({ type: 'shop.order.placed', data: 'x' })).status).toBe(201)
  expect(await stored()).toBe(3)
  expect(await host.metrics.text()).toContain('schema_violations_total{outcome="kept"} 3')
  const told = (await ask('GET', '/v1/topics/mq/events')).body.events.map(
    ({ event }: { event: { type: string } }) => event.type,
  )
  expect(told.filter((type: string) => type === 'mq.schema.violated')).toHaveLength(1)
})

test('a replica follows a version that another one took, and goes on with what it knows while the store is away', async () => {
  let nowMs = 0
  let isAway = false
  const inner = schemasInMemory()
  const store = {
    ...inner,
    find: (tenant: string, type: string) => (isAway ? Promise.reject(new Error('gone')) : inner.find(tenant, type)),
  }
  const log = memoryLog()
  const address = { tenant: 'acme', topic: 'orders' }
  await log.createTopic(address, { schema: 'enforce' })
  const registry = new Registry({ store, log, nowMs: () => nowMs })
  const refuses = async () =>
    (await registry.refused(address, [{ id: '1', source: '/x', type: 't', dataJson: '"x"' }])).length > 0
  const entry = (latest: number) => ({ type: 't', latest, compatibility: 'none' as const, changedAtMs: 0 })
  await store.add('acme', entry(1), { type: 'string' })
  expect(await refuses()).toBe(false)
  await store.add('acme', entry(2), { type: 'integer' })
  expect(await refuses()).toBe(false)
  nowMs += 2_000
  while (!(await refuses())) await pause(1)
  isAway = true
  nowMs += 10_000
  for (let n = 0; n < 5; n++) expect(await refuses()).toBe(true)
})
