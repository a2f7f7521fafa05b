import { afterEach, describe, expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { readSse } from '@santaclaude/kit/sse'
import { Elysia } from 'elysia'
import { chassis } from './chassis.ts'
import { Fault, type Problem } from './faults.ts'
import { type Host, quietHost } from './host.ts'
import { idempotencyInMemory } from './idempotency-memory.ts'
import { hashSecret, makeKey, type Scope } from './keys.ts'
import { keysInMemory } from './keys-memory.ts'
import { room } from './room.ts'
import { queryInteger, t } from './schema.ts'
import { eventStream } from './stream.ts'

const keys = keysInMemory()
const clock = new ManualClock(Date.now())

async function issue(scopes: Scope[], tenant = 'acme') {
  const { id, secret, text } = makeKey()
  const hash = hashSecret('test-pepper', secret)
  await keys.put({ id, tenant, name: 'test', scopes, limits: {}, secrets: [{ hash }], createdAtMs: clock.now() })
  return { id, text }
}

let made = 0
const things = (produce: () => AsyncGenerator<{ data: unknown }>) =>
  room('/v1/things')
    .model({ Thing: t.Object({ name: t.String(), size: t.Optional(t.Integer()) }) })
    .post('', ({ body, status }) => status(201, { ...body, made: ++made }), {
      scope: 'projects:use',
      idempotent: true,
      body: 'Thing',
      response: { 201: t.Object({ name: t.String(), size: t.Optional(t.Integer()), made: t.Integer() }) },
    })
    .get('', ({ query, who }) => ({ limit: query.limit ?? 0, tenant: who.tenant }), {
      scope: 'projects:use',
      query: t.Object({ limit: t.Optional(queryInteger({ minimum: 1, maximum: 9 })) }),
    })
    .get('/stream', () => eventStream(produce), { scope: 'projects:use' })
    .get('/short', () => eventStream(produce, { endsItself: true }), { scope: 'projects:use' })
    .post('/raw', async ({ request }) => `raw ${await request.text()}`, { scope: 'projects:use', parse: 'none' })
    .all('/any/*', async ({ request }) => `${request.method} ${await request.text()}`, {
      scope: 'any',
      parse: 'none',
      detail: { hide: true },
    })
    .get('/leak', () => ({ inside: 'secret words' }) as never, {
      scope: 'projects:use',
      response: t.Object({ name: t.String() }),
    })
    .get(
      '/broken',
      () => {
        throw new Error('postgres://user:pass@host broke')
      },
      { scope: 'projects:use' },
    )
    .get(
      '/full',
      () => {
        throw new Fault('storage_full', { detail: 'No space.' })
      },
      { scope: 'projects:use' },
    )
    .get('/:id', ({ params }) => ({ id: params.id }), { scope: 'projects:use' })

function build(options: { host?: Host; produce?: () => AsyncGenerator<{ data: unknown }> } = {}) {
  const produce =
    options.produce ??
    async function* () {
      yield { data: 1 }
    }
  return new Elysia()
    .use(
      chassis({
        name: 'thing-service',
        keys,
        idempotency: idempotencyInMemory(),
        ready: { disk: async () => {} },
        ...(options.host ? { host: options.host } : {}),
      }),
    )
    .use(things(produce))
}

const app = build()
const { text: key } = await issue(['projects:use'])

async function send(
  method: string,
  path: string,
  init: RequestInit & { key?: string; to?: { fetch: typeof app.fetch } } = {},
) {
  const headers = new Headers(init.headers)
  if (init.key !== '') headers.set('authorization', `Bearer ${init.key ?? key}`)
  if (init.body && !headers.has('content-type')) headers.set('content-type', 'application/json')
  return (init.to ?? app).fetch(new Request(`http://localhost${path}`, { ...init, method, headers }))
}
const problem = async (response: Response) => (await response.json()) as Problem

afterEach(() => {
  made = 0
})

describe('who may come in', () => {
  test('missing, malformed, unknown, revoked and expired keys get one identical 401', async () => {
    const revoked = await issue(['projects:use'])
    const expired = await issue(['projects:use'])
    for (const [id, change] of [
      [revoked.id, { revokedAtMs: Date.now() - 1 }],
      [expired.id, { expiresAtMs: Date.now() - 1 }],
    ] as const) {
      const stored = await keys.find(id)
      if (stored) await keys.put({ ...stored, ...change })
    }
    const answers = await Promise.all(
      [
        '',
        'nonsense',
        makeKey().text,
        `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`,
        revoked.text,
        expired.text,
      ].map(async (text) => {
        const response = await send('GET', '/v1/things', { key: text })
        const { requestId, ...rest } = await problem(response)
        expect(requestId).toBe(response.headers.get('x-request-id') as string)
        return JSON.stringify([response.status, rest])
      }),
    )
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toStartWith('[401')
  })

  test('trap 1: a short Host header does not move a request past the door', async () => {
    const bare = (path: string, headers = {}) => app.fetch(new Request(`http://x${path}`, { headers }))
    expect((await bare('/v1/things')).status).toBe(401)
    expect((await bare('/swagger/v1/things')).status).toBe(404)
    expect((await bare('/v1/health')).status).toBe(401)
    expect((await bare('/health')).status).toBe(200)
    expect((await bare('/v1/things/7', { authorization: `Bearer ${key}` })).status).toBe(200)
  })

  test('trap 2: the hooks reach the routes of every room', async () => {
    const response = await send('GET', '/v1/things/7')
    expect(response.headers.get('x-request-id')).toBeTruthy()
    expect((await send('GET', '/v1/things/7', { key: '' })).status).toBe(401)
  })

  test('a key without the scope gets 403 before its body is judged', async () => {
    const { text } = await issue(['audit:read'])
    const response = await send('POST', '/v1/things', { key: text, body: '{"wrong":1}' })
    expect([response.status, (await problem(response)).code]).toEqual([403, 'forbidden'])
  })

  test('a refused key is refused before the body is read', async () => {
    let pulled = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(1024))
        },
      },
      { highWaterMark: 0 },
    )
    const response = await send('POST', '/v1/things', {
      key: 'nonsense',
      body,
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
    } as never)
    expect(response.status).toBe(401)
    expect(pulled).toBe(0)
  })

  test('only an internal key may act for another tenant', async () => {
    const internal = await issue(['projects:use', 'internal'])
    const acting = await send('GET', '/v1/things', { key: internal.text, headers: { 'x-sc-tenant': 'other' } })
    expect(await acting.json()).toEqual({ limit: 0, tenant: 'other' })
    expect((await send('GET', '/v1/things', { headers: { 'x-sc-tenant': 'other' } })).status).toBe(403)
  })
})

describe('what may come in', () => {
  const post = (body: BodyInit, headers: Record<string, string> = {}) => send('POST', '/v1/things', { body, headers })
  const refused: [string, () => Promise<Response>, number, string][] = [
    ['malformed JSON', () => post('{"name":'), 400, 'malformed_json'],
    ['bad UTF-8', () => post(new Uint8Array([0x22, 0xff, 0x22])), 400, 'malformed_json'],
    ['10,000-deep JSON', () => post('['.repeat(10_000) + ']'.repeat(10_000)), 400, 'malformed_json'],
    ['a __proto__ key', () => post('{"name":"a","__proto__":{"x":1}}'), 400, 'unsafe_key'],
    ['an escaped __proto__ key', () => post('{"name":"a","\\u005f_proto__":{"x":1}}'), 400, 'unsafe_key'],
    ['a 10 MB body', () => post(`{"name":"${'a'.repeat(10_000_000)}"}`), 413, 'body_too_large'],
    [
      'another media type',
      () => post('name=a', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported_media_type',
    ],
    ['a wrong type', () => post('{"name":1}'), 422, 'validation_failed'],
    ['text for a number', () => post('{"name":"a","size":"5"}'), 422, 'validation_failed'],
    ['an unknown field', () => post('{"name":"a","nome":"b"}'), 422, 'validation_failed'],
    ['no body', () => send('POST', '/v1/things'), 422, 'validation_failed'],
    ['an unknown query', () => send('GET', '/v1/things?size=1'), 422, 'validation_failed'],
    ['a query out of bounds', () => send('GET', '/v1/things?limit=10'), 422, 'validation_failed'],
    ['a path that is no UTF-8', () => send('GET', '/v1/things/%ff'), 400, 'malformed_request'],
    ['an unknown address', () => send('GET', '/v2'), 404, 'not_found'],
  ]
  for (const [what, attempt, status, code] of refused)
    test(`${what} gets ${status} ${code}`, async () => {
      const response = await attempt()
      const body = await problem(response)
      expect([response.status, body.code, response.headers.get('content-type')]).toEqual([
        status,
        code as never,
        'application/problem+json',
      ])
      expect(body.requestId).toBe(response.headers.get('x-request-id') as string)
    })

  test('a body without a length is stopped at the limit', async () => {
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const response = await post(body as never)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(4_000_000)
  })

  test('a route with parse none reads its own body, whatever its type', async () => {
    for (const type of ['application/json', 'application/x-ndjson', 'text/plain']) {
      const headers = { 'content-type': type }
      expect(await (await send('POST', '/v1/things/raw', { body: '{"a":1}\n{', headers })).text()).toBe(
        'raw {"a":1}\n{',
      )
      expect(await (await send('PUT', '/v1/things/any/1', { body: '{', headers })).text()).toBe('PUT {')
    }
    expect(await (await send('GET', '/v1/things/any/1')).text()).toBe('GET ')
    expect(await (await send('DELETE', '/v1/things/any/1')).text()).toBe('DELETE ')
  })

  test('a known address with another method gets 405 and Allow', async () => {
    const response = await send('PUT', '/v1/things')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  test('field errors name the field and never show its value', async () => {
    const response = await post('{"name":{"password":"hunter2"}}')
    const body = await problem(response)
    expect(body.errors?.[0]?.path).toBe('/body/name')
    expect(JSON.stringify(body)).not.toContain('hunter2')
  })
})

describe('what goes out', () => {
  test('trap 3: a thrown error shows nothing of itself', async () => {
    const response = await send('GET', '/v1/things/broken')
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toContain('postgres')
  })

  test('trap 3: an answer that does not fit its schema is a 500 that shows nothing of it', async () => {
    const response = await send('GET', '/v1/things/leak')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret words')
  })

  test('a fault answers with its status, code and words', async () => {
    const response = await send('GET', '/v1/things/full')
    expect([response.status, (await problem(response)).code]).toEqual([507, 'storage_full'])
  })

  test('a request id is echoed when it is safe and replaced when it is not', async () => {
    const echo = (id: string) => send('GET', '/v1/things', { headers: { 'x-request-id': id } })
    expect((await echo('abc-1')).headers.get('x-request-id')).toBe('abc-1')
    expect((await echo('a b"')).headers.get('x-request-id')).not.toBe('a b"')
  })

  test('a repeated Idempotency-Key gets the same answer, and with another body a 409', async () => {
    const again = (body: string) => send('POST', '/v1/things', { body, headers: { 'idempotency-key': 'k1' } })
    const first = await (await again('{"name":"a"}')).json()
    const second = await again('{"name":"a"}')
    expect([second.status, second.headers.get('idempotency-replayed'), await second.json()]).toEqual([
      201,
      'true',
      first,
    ])
    expect((await problem(await again('{"name":"b"}'))).code).toBe('idempotency_conflict')
    expect(made).toBe(1)
  })

  test('metrics are counted by route template, never by path', async () => {
    await send('GET', '/v1/things/some-very-private-id')
    const text = await (await send('GET', '/metrics', { key: '' })).text()
    expect(text).toContain(
      'sc_thing_http_request_seconds_count{method="GET",route="/v1/things/:id",status_class="2xx"}',
    )
    expect(text).not.toContain('some-very-private-id')
  })

  test('trap 5: the wide log line carries request, trace and route, and neither key nor body nor query', async () => {
    const lines: string[] = []
    const host = quietHost('thing-service')
    host.log = { ...host.log, line: (line) => lines.push(line) }
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const to = build({ host })
    await send('GET', '/v1/things/7?hint=private', { to, headers: { traceparent, cookie: 'session=private' } })
    await send('POST', '/v1/things', { to, body: '{"name":"private"}' })
    const line = JSON.parse(lines[0] as string)
    expect(line).toMatchObject({
      route: '/v1/things/:id',
      status: 200,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      tenant: 'acme',
    })
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain('private')
    expect(lines.join()).not.toContain(key)
  })

  test('/ready names the failing part and says when it drains', async () => {
    const host = quietHost('thing-service')
    const broken = new Elysia().use(
      chassis({
        name: 'x',
        keys,
        idempotency: idempotencyInMemory(),
        host,
        ready: { redis: () => Promise.reject(new Error('ECONNREFUSED 10.0.0.1')) },
      }),
    )
    const response = await send('GET', '/ready', { to: broken, key: '' })
    const text = await response.text()
    expect([response.status, JSON.parse(text).failing]).toEqual([503, ['redis']])
    expect(text).not.toContain('10.0.0.1')
    const draining = quietHost('thing-service')
    const app = build({ host: draining })
    expect((await send('GET', '/ready', { to: app, key: '' })).status).toBe(200)
    draining.drain.announce()
    expect(await (await send('GET', '/ready', { to: app, key: '' })).json()).toMatchObject({ failing: ['draining'] })
  })
})

describe('streams', () => {
  const read = async (response: Response) => {
    const events: string[] = []
    if (response.body) for await (const event of readSse(response.body)) events.push(`${event.event}:${event.data}`)
    return events
  }

  test('a finished stream ends with an end event', async () => {
    expect(await read(await send('GET', '/v1/things/stream'))).toEqual(['message:1', 'end:{"reason":"finished"}'])
  })

  test('trap 4: a stream that fails midway ends with an error event that shows nothing', async () => {
    const to = build({
      produce: async function* () {
        yield { data: 1 }
        throw new Error('dsn://secret')
      },
    })
    const events = await read(await send('GET', '/v1/things/stream', { to }))
    expect(events[1]).toStartWith('error:{"type":"urn:santaclaude:problem:internal"')
    expect(events.join()).not.toContain('dsn')
  })

  test('a draining service ends its streams with a reason, and is idle after', async () => {
    const host = quietHost('thing-service')
    const to = build({
      host,
      produce: async function* () {
        yield { data: 1 }
        await new Promise(() => {})
      },
    })
    const reading = read(await send('GET', '/v1/things/stream', { to }))
    expect(host.drain.inFlight).toBe(1)
    host.drain.endStreams()
    expect(await reading).toEqual(['message:1', 'end:{"reason":"draining"}'])
    await host.drain.whenIdle()
  })

  test('a stream that ends by itself is let finish while the service drains', async () => {
    const host = quietHost('thing-service')
    const last = Promise.withResolvers<void>()
    const to = build({
      host,
      produce: async function* () {
        yield { data: 1 }
        await last.promise
        yield { data: 2 }
      },
    })
    const reading = read(await send('GET', '/v1/things/short', { to }))
    host.drain.endStreams()
    last.resolve()
    expect(await reading).toEqual(['message:1', 'message:2', 'end:{"reason":"finished"}'])
  })

  test('a client that goes away stops the producer', async () => {
    let stopped = false
    const to = build({
      produce: async function* () {
        try {
          for (let i = 0; ; i++) yield { data: i }
        } finally {
          stopped = true
        }
      },
    })
    const response = await send('GET', '/v1/things/stream', { to })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(stopped).toBe(true)
  })
})
