import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { readSse } from '@santaclaude/kit/sse'
import type { Problem } from '@santaclaude/service/faults'
import { type House, house as newHouse } from '../app.fixture.ts'
import { readDocument } from './document.ts'
import { forward } from './forward.ts'
import { neighbour } from './neighbour/routes.ts'
import { probe } from './probe.ts'

let house: House
let key: string
let url: string
const redis = { works: true }
const servers: Bun.Server<undefined>[] = []
const serve = (fetch: (request: Request) => Response | Promise<Response>) => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch })
  servers.push(server)
  return `http://127.0.0.1:${server.port}`
}

beforeAll(async () => {
  const { keys } = newHouse()
  const app = neighbour({ name: 'ai-service', keys, parts: { redis } })
  url = serve((request) => app.fetch(request))
  house = newHouse({
    keys,
    peers: [
      { name: 'ai-service', url },
      { name: 'browser-pool-service', url: 'http://127.0.0.1:1' },
    ],
  })
  key = await house.keyWith(['ai:invoke'])
})
afterAll(async () => {
  for (const server of servers) await server.stop(true)
})

describe('handing a request on', () => {
  const through = (method: string, path: string, options = {}) =>
    house.request(method, `/v1/peers/ai-service${path}`, { key, ...options })

  test('goes to the service with the body, the query, the id and the trace of this request', async () => {
    const headers = { 'x-request-id': 'from-me', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    const answer = await (await through('POST', '/v1/things', { body: { name: 'one' }, headers })).json()
    expect(answer.body).toEqual({ name: 'one' })
    expect(answer.headers['x-request-id']).toBe('from-me')
    expect(answer.headers.traceparent).toStartWith(`00-${'a'.repeat(32)}`)
  })

  test('takes along the key and no cookie, no origin and no claim of where it came from', async () => {
    const headers = {
      cookie: 'a=b',
      origin: 'http://evil.test',
      'x-forwarded-for': '1.2.3.4',
      referer: 'http://evil.test/',
    }
    const { headers: seen } = await (await through('POST', '/v1/things', { body: { name: 'one' }, headers })).json()
    expect(seen.authorization).toBe(`Bearer ${key}`)
    for (const name of Object.keys(headers)) expect(seen[name]).toBeUndefined()
  })

  test('without a key it is refused here, and a key gives no right it did not have there', async () => {
    expect((await house.request('GET', '/v1/peers/ai-service/v1/things/1')).status).toBe(401)
    const weak = await house.keyWith(['projects:use'])
    const response = await house.request('GET', '/v1/peers/ai-service/v1/things/1', { key: weak })
    expect(response.status).toBe(403)
    expect(((await response.json()) as Problem).code).toBe('forbidden')
  })

  test.each([
    '/',
    '/metrics/x',
    '/v1',
    '/swagger/json',
    '/v1/%2e%2e/swagger/json',
    '/v1/..%2fmetrics',
    '/v1/%5c..%5cmetrics',
    '//evil.test/v1/x',
    '/v1//evil.test',
  ])('%s leads nowhere: the service is not even asked', async (path) => {
    let asked = 0
    const url = serve(() => {
      asked++
      return new Response('here')
    })
    const front = newHouse({ peers: [{ name: 'ai-service', url }] })
    const response = await front.request('GET', `/v1/peers/ai-service${path}`, { key: await front.keyWith([]) })
    expect([response.status, asked]).toEqual([404, 0])
  })

  test('the keyless routes are shown too, metrics to internal keys only', async () => {
    expect((await through('GET', '/ready')).status).toBe(200)
    expect((await through('GET', '/health')).status).toBe(200)
    expect((await through('GET', '/metrics')).status).toBe(403)
    const internal = await house.keyWith(['internal'])
    expect(await (await through('GET', '/metrics', { key: internal })).text()).toContain('sc_ai_')
  })

  test('an unknown service is a 404, one that is away a 503, a redirect is not followed', async () => {
    expect((await house.request('GET', '/v1/peers/nobody/v1/things/1', { key })).status).toBe(404)
    const away = await house.request('GET', '/v1/peers/browser-pool-service/v1/x', { key })
    expect(away.status).toBe(503)
    expect(((await away.json()) as Problem).code).toBe('peer_unavailable')
    const answering = serve(() => new Response('from elsewhere'))
    const leading = serve(() => Response.redirect(`${answering}/v1/x`))
    const front = newHouse({ peers: [{ name: 'ai-service', url: leading }] })
    const redirected = await front.request('GET', '/v1/peers/ai-service/v1/x', { key: await front.keyWith([]) })
    expect(redirected.status).toBe(503)
    expect(await redirected.text()).not.toContain('elsewhere')
  })

  test('an answer cannot become a page, a script or a cookie of this origin', async () => {
    const response = await through('GET', '/v1/things/page')
    expect(await response.text()).toContain('<script>')
    expect(response.headers.get('content-security-policy')).toContain('sandbox')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('set-cookie')).toBeNull()
  })

  test('a problem of the service comes back as it is, with its Retry-After', async () => {
    const response = await through('GET', '/v1/things/never')
    expect(response.status).toBe(429)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('retry-after')).toBe('1')
  })

  test('methods that change nothing about a resource are not taken', async () => {
    expect((await through('OPTIONS', '/v1/things/1')).status).toBe(405)
  })
})

describe('the bounds of handing on', () => {
  const limits = { answerMs: 60_000, bodyMs: 60_000, bytesMax: 1_000_000 }
  const get = (path: string, over: Partial<typeof limits> = {}, base = url) =>
    forward(
      { name: 'ai-service', url: base },
      {
        method: 'GET',
        headers: new Headers({ authorization: `Bearer ${key}` }),
        path,
        body: new Uint8Array(),
        own: {},
        signal: new AbortController().signal,
      },
      { ...limits, ...over },
    )

  test('a live stream is ended in words when its time is up', async () => {
    const response = await get('/v1/things/stream', { bodyMs: 50 })
    const events: [string, string][] = []
    if (response.body) for await (const { event, data } of readSse(response.body)) events.push([event, data])
    expect(events).toEqual([
      ['message', 'one'],
      ['end', '{"reason":"preview_over"}'],
    ])
  })

  test('an answer that is too long ends in an error, never as if it were whole', async () => {
    const response = await get('/v1/things/long', { bytesMax: 1_000 })
    expect(await response.text().catch((error) => error.message)).toContain('cut')
  })

  test('a service that does not answer in time is a 504', async () => {
    const silent = serve(() => new Promise(() => {}))
    expect(await get('/v1/x', { answerMs: 50 }, silent).catch((fault) => fault.code)).toBe('deadline_exceeded')
  })
})

describe('looking at a service', () => {
  const clock = new ManualClock()
  const look = (base: string) => probe({ clock }, { peer: { name: 'ai-service', url: base }, deadlineMs: 200 })

  test('its parts are named, whether it is ready or not', async () => {
    expect(await look(url)).toMatchObject({ state: 'ready', parts: { redis: true } })
    redis.works = false
    expect(await look(url)).toMatchObject({ state: 'failing', parts: { redis: false } })
    redis.works = true
  })

  test.each<[string, () => Response | Promise<Response>]>([
    ['does not answer', () => new Promise(() => {})],
    ['answers something else', () => new Response('<html>')],
    ['answers without end', () => new Response('x'.repeat(100_000))],
    ['sends us elsewhere', () => Response.redirect('http://127.0.0.1:1/')],
    ['is broken', () => new Response('{}', { status: 500 })],
  ])('a service that %s is away', async (_, answer) => {
    expect((await look(serve(answer))).state).toBe('away')
  })

  test('names of parts that are no names are not believed', async () => {
    const odd = serve(() =>
      Response.json({ checks: { '<img>': 'ok', redis: 'ok', __proto__: 'ok' }, failing: [7, 'draining'] }),
    )
    expect((await look(odd)).parts).toEqual({ redis: true, draining: false })
  })
})

describe('reading a document', () => {
  test('it is turned to this server', async () => {
    const document = await readDocument({ name: 'ai-service', url }, '/here')
    expect(document.servers).toEqual([expect.objectContaining({ url: '/here' })])
    expect(Object.keys(document.paths)).toContain('/v1/things/{id}')
  })

  test('a service without one is a 503 here, and is asked again at once', async () => {
    const read = () => house.request('GET', '/swagger/documents/browser-pool-service')
    expect([(await read()).status, (await read()).status]).toEqual([503, 503])
    expect((await house.request('GET', '/swagger/documents/nobody')).status).toBe(404)
  })

  test('however many read it, it is asked for once in a while', async () => {
    let asked = 0
    const counted = serve(() => {
      asked++
      return Response.json({ openapi: '3.1.0', paths: {} })
    })
    const front = newHouse({ peers: [{ name: 'ai-service', url: counted }] })
    const read = () => front.request('GET', '/swagger/documents/ai-service')
    await Promise.all([read(), read(), read()])
    expect(asked).toBe(1)
    front.clock.advance(15_001)
    await read()
    expect(asked).toBe(2)
  })
})
