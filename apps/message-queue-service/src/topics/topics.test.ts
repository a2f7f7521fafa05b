import { expect, test } from 'bun:test'
import { startApp } from '../app.fixture.ts'

test('a topic is created, described, changed, listed and deleted', async () => {
  const { ask } = await startApp()
  const created = await ask('PUT', '/v1/topics/orders', { body: { partitions: 2 } })
  expect(created).toMatchObject({ status: 201, body: { topic: 'orders', partitions: 2 } })
  expect((await ask('PUT', '/v1/topics/orders', { body: {} })).status).toBe(200)
  const changed = await ask('PATCH', '/v1/topics/orders', { body: { retention: { maxEvents: null } } })
  expect(changed).toMatchObject({ status: 200, body: { retention: { maxEvents: null, maxAgeMs: 604_800_000 } } })
  expect((await ask('GET', '/v1/topics/orders')).body).toMatchObject({ partitions: 2, events: 0 })
  await ask('PUT', '/v1/topics/billing', { body: {} })
  const page = await ask('GET', '/v1/topics?limit=1')
  expect(page.body).toMatchObject({ topics: [{ topic: 'billing' }], next: 'billing' })
  expect((await ask('GET', '/v1/topics?limit=5&after=billing')).body.topics).toMatchObject([
    { topic: 'mq' },
    { topic: 'orders' },
  ])
  expect((await ask('DELETE', '/v1/topics/orders')).status).toBe(204)
  expect((await ask('GET', '/v1/topics/orders')).body).toMatchObject({ status: 404, code: 'topic_not_found' })
})

test('a topic gets more partitions; fewer are a conflict, not a silent no', async () => {
  const { ask } = await startApp()
  await ask('PUT', '/v1/topics/orders', { body: { partitions: 2 } })
  expect((await ask('PUT', '/v1/topics/orders', { body: { partitions: 3 } })).body).toMatchObject({ partitions: 3 })
  const patched = await ask('PATCH', '/v1/topics/orders', { body: { partitions: 4 } })
  expect(patched).toMatchObject({ status: 200, body: { partitions: 4 } })
  const less = await ask('PATCH', '/v1/topics/orders', { body: { partitions: 3 } })
  expect(less).toMatchObject({ status: 409, body: { code: 'conflict' } })
})

test('what does not fit is named: unknown fields, wrong types, names that are none', async () => {
  const { ask } = await startApp()
  expect((await ask('PUT', '/v1/topics/orders', { body: { partition: 1 } })).status).toBe(422)
  expect((await ask('PUT', '/v1/topics/orders', { body: { partitions: '4' } })).status).toBe(422)
  expect((await ask('PUT', '/v1/topics/a:b', { body: {} })).status).toBe(422)
  expect((await ask('PATCH', '/v1/topics/orders', { body: {} })).status).toBe(422)
  expect((await ask('PATCH', '/v1/topics/orders', { body: { retention: {} } })).status).toBe(404)
})

test('a topic of one tenant does not exist for another', async () => {
  const { ask, keyOf } = await startApp()
  await ask('PUT', '/v1/topics/orders', { body: {} })
  const key = await keyOf(undefined, 'other')
  expect((await ask('GET', '/v1/topics/orders', { key })).status).toBe(404)
  expect((await ask('DELETE', '/v1/topics/orders', { key })).status).toBe(404)
})

test('an administrative act is recorded before it happens and told on the topic mq', async () => {
  const { ask, audit, log } = await startApp()
  await ask('PUT', '/v1/topics/orders', { body: {} })
  await ask('DELETE', '/v1/topics/orders')
  expect(audit.records).toMatchObject([
    { action: 'mq.topic.created', outcome: 'success', target: { type: 'topic', id: 'orders' }, tenant: 'acme' },
    { action: 'mq.topic.deleted', outcome: 'success' },
  ])
  const { entries } = await log.read({ tenant: 'acme', topic: 'mq' }, { from: { at: 'earliest' }, limit: 10 })
  expect(entries.map(({ event }) => event.type)).toEqual(['mq.topic.created', 'mq.topic.deleted'])
})

test('without its record an administrative act does not happen', async () => {
  const { ask, audit } = await startApp()
  audit.isAway = true
  expect((await ask('PUT', '/v1/topics/orders', { body: {} })).body).toMatchObject({ code: 'audit_unavailable' })
  expect((await ask('GET', '/v1/topics/orders')).status).toBe(404)
})

test('the platform’s own topics are there for readers before their first event, and cannot be deleted', async () => {
  const { ask } = await startApp()
  expect((await ask('GET', '/v1/topics/browser')).status).toBe(200)
  expect((await ask('DELETE', '/v1/topics/browser')).status).toBe(409)
})

test('each act needs its scope', async () => {
  const { ask, keyOf } = await startApp()
  const key = await keyOf(['events:consume'])
  expect((await ask('PUT', '/v1/topics/orders', { body: {}, key })).status).toBe(403)
  expect((await ask('POST', '/v1/topics/orders/events', { body: { type: 'a' }, key })).status).toBe(403)
  expect((await ask('GET', '/v1/topics', { key })).status).toBe(200)
})
