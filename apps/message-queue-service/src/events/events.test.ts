import { expect, test } from 'bun:test'
import { isUuid } from '@santaclaude/kit/ids'
import { startApp } from '../app.fixture.ts'

const path = '/v1/topics/orders/events'
const typed = (type: string) => ({ 'content-type': type })

async function withTopic() {
  const app = await startApp()
  await app.ask('PUT', '/v1/topics/orders', { body: { partitions: 2 } })
  const stored = async () => (await app.ask('GET', path)).body.events.map(({ event }: { event: unknown }) => event)
  return { ...app, stored }
}

const cloudEvent = { specversion: '1.0', id: 'a-1', source: '/shop', type: 'shop.order.placed' }

test('the shorthand is enough: what is left out is filled in', async () => {
  const { ask, stored } = await withTopic()
  const answer = await ask('POST', path, { body: { type: 'shop.order.placed', data: { order: 7 } } })
  expect(answer).toMatchObject({ status: 201, body: { duplicate: false, streamId: expect.any(String) } })
  const [event] = await stored()
  expect(isUuid(event.id)).toBe(true)
  expect(event).toMatchObject({
    specversion: '1.0',
    id: answer.body.id,
    source: expect.stringMatching(/^urn:santaclaude:key:/),
    type: 'shop.order.placed',
    time: expect.any(String),
    tenant: 'acme',
    traceparent: expect.any(String),
    data: { order: 7 },
  })
})

test('a CloudEvent keeps its attributes and its data to the byte', async () => {
  const { send, ask } = await withTopic()
  const data = '{"big":12345678901234567890,"exact":1.0,"text":"caf\\u00e9 }]\\"\\\\"}'
  const body = `{ "data" : ${data} , "specversion":"1.0","id":"a-1","source":"/shop","type":"t","subject":"s","urgent":true,"level":3 }`
  expect((await send('POST', path, { body, headers: typed('application/cloudevents+json') })).status).toBe(201)
  const page = await ask('GET', path)
  expect(page.text).toContain(`"data":${data}}`)
  expect(page.body.events[0].event).toMatchObject({ subject: 's', urgent: true, level: 3 })
})

test('binary mode: attributes in headers, any body as data', async () => {
  const { send, stored } = await withTopic()
  const headers = (type: string, id: string) => ({
    ...typed(type),
    ...{ 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/shop', 'ce-type': 't', 'ce-subject': 'caf%C3%A9' },
  })
  await send('POST', path, { body: '{"a": 1}', headers: headers('application/json', '1') })
  await send('POST', path, { body: 'plain', headers: headers('text/plain', '2') })
  await send('POST', path, { body: new Uint8Array([0, 255]), headers: headers('application/octet-stream', '3') })
  const events = (await stored()).toSorted((a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1))
  expect(events).toMatchObject([
    { subject: 'café', data: { a: 1 }, datacontenttype: 'application/json' },
    { data: 'plain', datacontenttype: 'text/plain' },
    { data_base64: 'AP8=', datacontenttype: 'application/octet-stream' },
  ])
})

test('a batch, an array and NDJSON are each one request with an answer per event', async () => {
  const { send, ask, stored } = await withTopic()
  const batch = JSON.stringify([cloudEvent, { ...cloudEvent, id: 'a-2', partitionkey: 'k' }])
  const first = await ask('POST', path, { body: batch, headers: typed('application/cloudevents-batch+json') })
  expect(first).toMatchObject({ status: 201, body: { results: [{ id: 'a-1' }, { id: 'a-2', duplicate: false }] } })
  const array = await ask('POST', path, { body: [{ type: 't', data: 1 }, cloudEvent] })
  expect(array).toMatchObject({ status: 201, body: { results: [{ duplicate: false }, { duplicate: true }] } })
  const lines = '{"type":"t","data":[1,{"a":"]"}]}\n\n {"type":"u"} \r\n'
  const third = await send('POST', path, { body: lines, headers: typed('application/x-ndjson') })
  expect((await third.text()).trim().split('\n')).toHaveLength(3)
  expect(await stored()).toHaveLength(5)
})

test('the same CloudEvent again adds nothing and answers the first place', async () => {
  const { ask, stored } = await withTopic()
  const first = await ask('POST', path, { body: { ...cloudEvent, data: 1 } })
  const again = await ask('POST', path, { body: { ...cloudEvent, data: 1 } })
  expect(again).toMatchObject({ status: 200, body: { ...first.body, duplicate: true } })
  const other = await ask('POST', path, { body: { ...cloudEvent, data: 2 } })
  expect(other.body).toMatchObject({ status: 409, code: 'idempotency_conflict' })
  expect(await stored()).toHaveLength(1)
})

test('an Idempotency-Key makes the shorthand safe to repeat, one event or many', async () => {
  const { ask, stored } = await withTopic()
  const headers = { 'idempotency-key': 'order-7' }
  const first = await ask('POST', path, { body: { type: 't', data: 7 }, headers })
  const again = await ask('POST', path, { body: { type: 't', data: 7 }, headers })
  expect(again).toMatchObject({ status: 200, body: { streamId: first.body.streamId, duplicate: true } })
  const batch = {
    body: [
      { type: 't', data: 1 },
      { type: 't', data: 2 },
    ],
    headers: { 'idempotency-key': 'batch' },
  }
  expect((await ask('POST', path, batch)).status).toBe(201)
  expect((await ask('POST', path, batch)).status).toBe(200)
  const mixed = {
    ...batch,
    body: [
      { type: 't', data: 1 },
      { type: 't', data: 3 },
    ],
  }
  expect(await ask('POST', path, mixed)).toMatchObject({
    status: 207,
    body: { results: [{ duplicate: true }, { code: 'idempotency_conflict' }] },
  })
  expect(await stored()).toHaveLength(3)
})

test('a request with one event that does not fit keeps none of them and names what is wrong', async () => {
  const { ask, stored } = await withTopic()
  const wrong: [unknown, string][] = [
    [{ data: 1 }, '/body/type'],
    [{ type: '' }, '/body/type'],
    [{ type: 't', Upper: 'x' }, '/body/Upper'],
    [{ type: 't', nested: { a: 1 } }, '/body/nested'],
    [{ type: 't', fraction: 1.5 }, '/body/fraction'],
    [{ type: 't', time: 'yesterday' }, '/body/time'],
    [{ type: 't', tenant: 'other' }, '/body/tenant'],
    [{ type: 't', text: 'a\u0000b' }, '/body/text'],
    [{ type: 't', data: 1, data_base64: 'AA==' }, '/body/data_base64'],
    [{ specversion: '0.3', type: 't', id: '1', source: '/' }, '/body/specversion'],
    [{ specversion: '1.0', type: 't', source: '/' }, '/body/id'],
    [[{ type: 't' }, { type: 7 }], '/body/1/type'],
    [[], '/body'],
    [[1], '/body/0'],
    ['text', '/body'],
  ]
  for (const [body, at] of wrong) {
    const answer = await ask('POST', path, { body: JSON.stringify(body), headers: typed('application/json') })
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, at])
  }
  expect(await stored()).toEqual([])
})

test('bodies that are no JSON, too deep, unsafe, too large or of another type are refused in words', async () => {
  const { ask } = await withTopic()
  const json = typed('application/json')
  const answers = await Promise.all([
    ask('POST', path, { body: '{"type":', headers: json }),
    ask('POST', path, { body: `{"type":"t","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, headers: json }),
    ask('POST', path, { body: '{"type":"t","data":{"__proto__":1}}', headers: json }),
    ask('POST', path, { body: `{"type":"t","data":"${'x'.repeat(9_000_000)}"}`, headers: json }),
    ask('POST', path, { body: `{"type":"t","data":"${'x'.repeat(1_100_000)}"}`, headers: json }),
    ask('POST', path, { body: 'type=t', headers: typed('application/x-www-form-urlencoded') }),
    ask('POST', '/v1/topics/nowhere/events', { body: { type: 't' } }),
    ask('POST', '/v1/topics/ai/events', { body: { type: 't' } }),
  ])
  expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual([
    '400 malformed_json',
    '400 malformed_json',
    '400 unsafe_key',
    '413 body_too_large',
    '413 event_too_large',
    '415 unsupported_media_type',
    '404 topic_not_found',
    '403 forbidden',
  ])
})

test('a publish by an outside key is recorded once per request; one of ours keeps its own record', async () => {
  const { ask, audit, keyOf } = await withTopic()
  audit.records.length = 0
  await ask('POST', path, { body: [{ type: 't' }, { type: 't' }] })
  const key = await keyOf(['events:publish', 'internal'])
  await ask('POST', path, { body: { type: 't' }, key })
  expect((await ask('POST', '/v1/topics/ai/events', { body: { type: 't' }, key })).status).toBe(201)
  expect(audit.records).toMatchObject([{ action: 'mq.event.published', data: { count: 2 } }])
})

test('a publish whose record cannot be kept does not happen', async () => {
  const { ask, audit, stored } = await withTopic()
  audit.isAway = true
  expect((await ask('POST', path, { body: { type: 't' } })).body).toMatchObject({ code: 'audit_unavailable' })
  expect(await stored()).toEqual([])
})

test('a topic is read page by page, from a cursor, an end or a time', async () => {
  const { ask } = await withTopic()
  await ask('POST', path, { body: Array.from({ length: 5 }, (_, n) => ({ type: 't', data: n })) })
  const first = await ask('GET', `${path}?limit=3`)
  expect(first.body).toMatchObject({ isEnd: false, gaps: [] })
  const second = await ask('GET', `${path}?limit=3&from=${first.body.cursor}`)
  const numbers = [...first.body.events, ...second.body.events].map(({ event }) => event.data)
  expect([numbers, second.body.isEnd]).toEqual([[0, 1, 2, 3, 4], true])
  expect((await ask('GET', `${path}?from=latest`)).body.events).toEqual([])
  expect((await ask('GET', `${path}?since=2020-01-01T00:00:00Z`)).body.events).toHaveLength(5)
  expect((await ask('GET', `${path}?from=nonsense`)).body).toMatchObject({ status: 400, code: 'bad_cursor' })
  expect((await ask('GET', `${path}?from=earliest&since=2020-01-01T00:00:00Z`)).status).toBe(422)
})
