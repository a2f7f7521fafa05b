import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { canonicalJson } from '@santaclaude/audit/canonical'
import type { Problem } from '@santaclaude/service/faults'
import { type House, realHouse, until } from '../house.fixture.ts'
import type { Receipt } from './append.ts'
import type { EventPage, ShownEvent } from './read.ts'

let house: House
let key: string
beforeAll(async () => {
  house = await realHouse()
  house.startWriter()
  key = await house.keyWith(['audit:write', 'audit:read', 'audit:admin'])
})
afterAll(() => house.close())

const event = { action: 'invoice.payment.approved', outcome: 'success', target: { type: 'invoice', id: '42' } }
interface Answer<T> {
  status: number
  body: T
}
async function call<T = Problem>(
  method: string,
  path: string,
  options: Parameters<House['request']>[2] = {},
): Promise<Answer<T>> {
  const response = await house.request(method, path, { key, ...options })
  return { status: response.status, body: (await response.json()) as T }
}
const post = <T = Receipt>(body: unknown, options: Parameters<House['request']>[2] = {}) =>
  call<T>('POST', '/v1/events', { body, ...options })
const search = (query: string, options: Parameters<House['request']>[2] = {}) =>
  call<EventPage>('GET', `/v1/events?${query}`, options)
/** The event once it can be read. */
const stored = (id: string) =>
  until(async () => {
    const { status, body } = await call<ShownEvent>('GET', `/v1/events/${id}`)
    return status === 200 ? body : undefined
  })

describe('recording', () => {
  test('an event is answered with its id and can be read soon, filled in from the key and the request', async () => {
    const { status, body } = await post(event, {
      headers: {
        'x-request-id': 'req-1',
        'user-agent': 'curl/8',
        traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
      },
    })
    expect({ status, body }).toEqual({ status: 201, body: { id: expect.any(String), status: 'appended' } })
    const found = await stored(body.id)
    expect(found).toEqual({
      ...event,
      outcome: 'success',
      id: body.id,
      tenant: 'acme',
      actor: { type: 'key', id: expect.any(String), name: 'test' },
      source: 'key:test',
      requestId: 'req-1',
      traceId: 'ab'.repeat(16),
      userAgent: 'curl/8',
      occurredAt: expect.stringMatching(/Z$/),
      receivedAt: expect.stringMatching(/Z$/),
      data: {},
    })
  })

  test('what the client states is kept to the letter, its time in UTC', async () => {
    const stated = {
      ...event,
      id: '019ab3f0-5f2e-7c3a-9d1e-3f1c2b4a5d6e',
      occurredAt: '2026-11-23T13:34:56.7+01:00',
      actor: { type: 'user', id: 'ada', name: 'Ada "Größe" Lovelace 😀' },
      source: 'billing',
      sessionId: 's-1',
      parentId: '019ab3f0-5f2e-7c3a-9d1e-000000000000',
      ip: '2001:db8::1',
      data: { 10: 'b', 9: [1.5, null, true, { 'a.b': 1, a: { b: 2 } }], text: "';--\n\t\\ {x:String}" },
    }
    await post(stated)
    const { receivedAt, requestId, traceId, ...found } = await stored(stated.id)
    expect(found).toEqual({ ...stated, outcome: 'success', tenant: 'acme', occurredAt: '2026-11-23T12:34:56.700Z' })
    expect(canonicalJson(found.data)).toBe(canonicalJson(stated.data))
  })

  test('the same event under its id again adds nothing; another one under that id is refused', async () => {
    const id = crypto.randomUUID()
    expect((await post({ ...event, id })).status).toBe(201)
    expect(await post({ ...event, id })).toEqual({ status: 200, body: { id, status: 'duplicate' } })
    const other = await post<Problem>({ ...event, id, outcome: 'denied' })
    expect([other.status, other.body.code]).toEqual([409, 'record_conflict'])
    await stored(id)
    const theirs = await house.keyWith(['audit:write'], 'globex')
    expect((await post({ ...event, id, outcome: 'denied' }, { key: theirs })).status).toBe(201)
  })

  test('a repeated Idempotency-Key is the same event, whether or not the first answer was kept', async () => {
    const headers = { 'idempotency-key': `key-${crypto.randomUUID()}` }
    const first = await post(event, { headers })
    expect(await post(event, { headers })).toEqual(first)
    const elsewhere = await realHouseOn(house, headers)
    expect(elsewhere).toEqual({ id: first.body.id, status: 'duplicate' })
    expect((await post<Problem>({ ...event, outcome: 'denied' }, { headers })).body.code).toBe('idempotency_conflict')
  })

  test('a batch is taken whole, with a receipt for each event', async () => {
    const id = crypto.randomUUID()
    const events = [{ ...event, id }, event, { ...event, id }, { ...event, id, outcome: 'failure' }]
    const { status, body } = await call<{ receipts: Receipt[] }>('POST', '/v1/events/batch', { body: { events } })
    expect(status).toBe(201)
    expect(body.receipts.map((receipt) => receipt.status)).toEqual(['appended', 'appended', 'duplicate', 'conflict'])
    await stored(body.receipts[1]?.id ?? '')
    const marked = [
      { ...event, action: 'batch.never' },
      { ...event, action: 'batch.never', data: { n: 2 ** 60 } },
    ]
    const refused = await call('POST', '/v1/events/batch', { body: { events: marked } })
    expect(refused.body.errors).toEqual([{ path: '/body/events/1/data/n', message: expect.stringContaining('2^53') }])
    const after = await post(event)
    await stored(after.body.id)
    expect((await search('action=batch.never')).body.events).toEqual([])
  })

  test.each([
    ['no outcome', { ...event, outcome: undefined }, '/body/outcome'],
    ['an unknown outcome', { ...event, outcome: 'ok' }, '/body/outcome'],
    ['a tenant of its choice', { ...event, tenant: 'globex' }, '/body/tenant'],
    ['a source of the platform', { ...event, source: '/ai-service' }, '/body/source'],
    ['an upper-case id', { ...event, id: '019AB3F0-5F2E-7C3A-9D1E-3F1C2B4A5D6E' }, '/body/id'],
    ['a day that is not', { ...event, occurredAt: '2026-02-31T00:00:00Z' }, '/body/occurredAt'],
    ['a time before the epoch', { ...event, occurredAt: '1969-01-01T00:00:00Z' }, '/body/occurredAt'],
    [
      'a number no double holds',
      `{"action":"a","outcome":"success","target":{"type":"t","id":"1"},"data":{"n":9007199254740993}}`,
      '/body/data/n',
    ],
    [
      'a lone surrogate',
      `{"action":"a","outcome":"success","target":{"type":"t","id":"1"},"data":{"n":"\\ud800"}}`,
      '/body/data/n',
    ],
    [
      'a lone surrogate in a name',
      `{"action":"a","outcome":"success","target":{"type":"t","id":"\\ud800"}}`,
      '/body/target/id',
    ],
    ['a NUL in an id', { ...event, target: { type: 't', id: 'a\0' } }, '/body/target/id'],
    ['too much', { ...event, data: { text: 'x'.repeat(300_000) } }, '/body'],
  ])('%s is refused with its place', async (_, body, path) => {
    const { status, body: problem } = await post<Problem>(body)
    expect([status, problem.code, problem.errors?.map((error) => error.path)]).toEqual([
      422,
      'validation_failed',
      [path],
    ])
  })

  test('a key without the scope may not', async () => {
    const reader = await house.keyWith(['audit:read'])
    expect((await post<Problem>(event, { key: reader })).body.code).toBe('forbidden')
    const writer = await house.keyWith(['audit:write'])
    expect((await search('', { key: writer })).status).toBe(403)
    expect((await call('GET', '/v1/quarantine', { key: reader })).status).toBe(403)
  })
})

describe('finding', () => {
  test('filters and pages go through, and the cursor leads on without a gap', async () => {
    const tenant = 'pages'
    const theirs = await house.keyWith(['audit:read', 'audit:write'], tenant)
    const events = Array.from({ length: 25 }, (_, n) => ({
      ...event,
      occurredAt: new Date(Date.parse('2026-01-01T00:00:00Z') + Math.floor(n / 3) * 1000).toISOString(),
      action: n % 2 ? 'page.odd' : 'page.even',
      data: { n, tag: `N° ${n}.` },
    }))
    await call('POST', '/v1/events/batch', { key: theirs, body: { events } })
    await until(async () => (await house.stored(tenant)).length === 25)
    const walk = async (query: string) => {
      const seen: unknown[] = []
      for (let cursor = ''; ; ) {
        const { body } = await search(`${query}${cursor && `&cursor=${cursor}`}`, { key: theirs })
        seen.push(...body.events.map(({ data }) => data.n))
        if (!body.next) return seen
        cursor = body.next
      }
    }
    const numbers = events.map((_, n) => n)
    expect(await walk('limit=4&order=oldest')).toEqual(numbers)
    expect(await walk('limit=7')).toEqual(numbers.toReversed())
    expect(await walk('limit=5&order=oldest&action=page.odd')).toEqual(numbers.filter((n) => n % 2))
    expect(await walk('limit=25&action=page.*&from=2026-01-01T00:00:01Z&to=2026-01-01T01:00:02%2B01:00')).toEqual([
      5, 4, 3,
    ])
    expect(await walk('limit=9&q=n%C2%B0%2024.')).toEqual([24])
    expect((await search('', { key })).body.events.some((found) => found.tenant !== 'acme')).toBeFalse()
    const { body } = await search('limit=4', { key: theirs })
    expect(
      (await search(`limit=4&cursor=${body.next}`)).body.events.every((found) => found.tenant === 'acme'),
    ).toBeTrue()
    expect((await call('GET', `/v1/events?order=oldest&cursor=${body.next}`, { key: theirs })).body.code).toBe(
      'bad_cursor',
    )
  })

  test.each([
    'x',
    'bm9wZQ',
    Buffer.from('n 1 2 3 4').toString('base64url'),
    Buffer.from('n -1 1e999 3 x y').toString('base64url'),
  ])('the cursor %s is refused as such', async (cursor) => {
    expect((await call('GET', `/v1/events?cursor=${cursor}`)).body.code).toBe('bad_cursor')
  })

  test.each([
    'limit=0',
    'limit=1001',
    'limit=ten',
    'from=yesterday',
    'outcome=maybe',
    'order=random',
    'actorType=%00',
    'traceId=xyz',
  ])('the query %s is refused', async (query) => {
    expect((await call('GET', `/v1/events?${query}`)).status).toBe(422)
  })

  test('a record of another tenant and one that is not there are told alike', async () => {
    const { body } = await post(event)
    await stored(body.id)
    const theirs = await house.keyWith(['audit:read'], 'globex')
    const other = await call('GET', `/v1/events/${body.id}`, { key: theirs })
    const absent = await call('GET', `/v1/events/${crypto.randomUUID()}`)
    expect([other.status, other.body.code]).toEqual([404, 'record_not_found'])
    expect([absent.status, absent.body.code]).toEqual([404, 'record_not_found'])
  })

  test('what was no record is listed for its tenant, with the reason', async () => {
    const tenant = 'poisoned'
    const theirs = await house.keyWith(['audit:admin'], tenant)
    await house.appendPoison(tenant, '{"a":1}', 'some-id')
    const list = () => call<{ entries: unknown[] }>('GET', '/v1/quarantine', { key: theirs })
    const { entries } = await until(async () => {
      const { body } = await list()
      return body.entries.length > 0 ? body : undefined
    })
    expect(entries).toEqual([
      {
        eventId: 'some-id',
        text: '{"a":1}',
        reason: expect.stringContaining('/id must be'),
        receivedAt: expect.any(String),
        place: { partition: expect.any(Number), streamId: expect.any(String) },
      },
    ])
    expect((await call<{ entries: unknown[] }>('GET', '/v1/quarantine')).body.entries).toEqual([])
  })
})

describe('when a part is away', () => {
  test('Redis away: recording is refused as retryable, reading goes on, and both work when it is back', async () => {
    await house.redisServer.kill9()
    const refused = await post<Problem>(event)
    expect([refused.status, refused.body.retryable]).toEqual([503, true])
    expect((await search('limit=1')).status).toBe(200)
    expect((await call<{ failing: string[] }>('GET', '/ready')).body.failing).toEqual(['redis'])
    await house.redisServer.restart()
    const { body } = await until(async () => {
      const answer = await post(event)
      return answer.status === 201 ? answer : undefined
    })
    await stored(body.id)
  })

  test('ClickHouse away: recording goes on, reading is refused as retryable, and nothing is lost when it is back', async () => {
    await house.clickhouse.kill9()
    const { status, body } = await post(event)
    expect(status).toBe(201)
    const refused = await call('GET', '/v1/events')
    expect([refused.status, refused.body.code, refused.body.retryable]).toEqual([503, 'store_unavailable', true])
    expect((await call<{ failing: string[] }>('GET', '/ready')).body.failing).toEqual(['clickhouse'])
    await house.clickhouse.restart()
    await stored(body.id)
    expect((await call<{ failing: string[] }>('GET', '/ready')).body.failing).toEqual([])
  })
})

/** The same request on a replica that has not kept the first answer. */
async function realHouseOn(first: House, headers: Record<string, string>): Promise<unknown> {
  const { request, keyWith } = first.replica()
  const response = await request('POST', '/v1/events', { key: await keyWith(['audit:write']), headers, body: event })
  return response.json()
}
