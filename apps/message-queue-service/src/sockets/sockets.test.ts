import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { chassis } from '@santaclaude/service/chassis'
import { quietHost } from '@santaclaude/service/host'
import { serve } from '@santaclaude/service/serve'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { Elysia } from 'elysia'
import { startApp } from '../app.fixture.ts'
import { sockets } from './routes.ts'
import { openSocket } from './socket.fixture.ts'

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

const running: { stop(isHard: boolean): unknown }[] = []
afterEach(() => {
  for (const server of running.splice(0)) server.stop(true)
})

let made = 0
/** The app behind a real port, with a fresh topic and a group `billing` on it. */
async function withServer(wish: Record<string, unknown> = {}) {
  const app = await startApp({ log })
  const server = serve(app.app, { hostname: '127.0.0.1', port: 0 })
  running.push(server)
  const topic = `live-${++made}`
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 2 } })
  await app.ask('PUT', `/v1/topics/${topic}/groups/billing`, { body: wish })
  const url = `ws://127.0.0.1:${server.port}/v1/ws`
  const connect = (key = app.key) => openSocket(url, { authorization: `Bearer ${key}` })
  const publish = (...data: unknown[]) =>
    app.ask('POST', `/v1/topics/${topic}/events`, { body: data.map((one) => ({ type: 'shop.said', data: one })) })
  const lag = () => log.lag({ tenant: 'acme', topic, group: 'billing' })
  return { ...app, server, topic, url, connect, publish, lag }
}

const isEvent = ({ op }: { op?: unknown }) => op === 'event'

test('a socket follows a topic from a place, and takes it up again where it stopped', async () => {
  const { connect, publish, topic } = await withServer()
  await publish(1, 2)
  const first = await connect()
  first.say({ op: 'sub', sub: 'a', topic, from: 'earliest' })
  expect(await first.next()).toMatchObject({ op: 'ready', sub: 'a' })
  const seen = await first.next(isEvent)
  expect(seen).toMatchObject({ sub: 'a', event: { specversion: '1.0', type: 'shop.said' } })
  first.close()
  const second = await connect()
  await publish(3)
  second.say({ op: 'sub', sub: 'b', topic, from: seen.cursor })
  const rest = [await second.next(isEvent), await second.next(isEvent)]
  expect([seen, ...rest].map(({ event }) => event.data).toSorted()).toEqual([1, 2, 3])
  expect(await second.ask({ op: 'unsub', sub: 'b' })).toMatchObject({ op: 'done', cursor: rest[1]?.cursor })
  second.close()
})

test('a place that is gone is answered with a reset that says what was missed', async () => {
  const { connect, publish, topic, ask } = await withServer()
  const first = await connect()
  first.say({ op: 'sub', sub: 'a', topic, from: 'earliest' })
  const { cursor } = await first.next()
  first.close()
  await publish(1, 2)
  await ask('DELETE', `/v1/topics/${topic}/groups/billing`)
  await ask('PATCH', `/v1/topics/${topic}`, { body: { retention: { maxEvents: 0 } } })
  while ((await log.size({ tenant: 'acme', topic })) > 0) await log.sweep()
  const second = await connect()
  second.say({ op: 'sub', sub: 'a', topic, from: cursor })
  expect(await second.next(({ op }) => op === 'reset')).toMatchObject({ gap: { reason: 'trimmed', from: '0-0' } })
  second.close()
})

test('a socket consumes for a group within its credit, and settles over the same socket', async () => {
  const { connect, publish, topic, lag } = await withServer()
  await publish(1, 2, 3)
  const socket = await connect()
  expect(await socket.ask({ op: 'sub', sub: 'g', topic, group: 'billing', credit: 2 })).toMatchObject({ op: 'done' })
  const [a, b] = [await socket.next(isEvent), await socket.next(isEvent)]
  expect(await lag()).toMatchObject({ leased: 2, ready: 1 })
  expect(a).toMatchObject({ sub: 'g', deliveries: 1 })
  const done = await socket.ask({ op: 'ack', sub: 'g', receipts: [a.receipt] })
  expect(done.results).toEqual([{ receipt: a.receipt, ok: true }])
  const c = await socket.next(isEvent)
  socket.say({ op: 'nack', sub: 'g', receipts: [b.receipt], delayMs: 0 })
  expect(await socket.next(isEvent)).toMatchObject({ deliveries: 2, event: b.event })
  expect(await socket.ask({ op: 'extend', sub: 'g', receipts: [c.receipt], leaseMs: 60_000 })).toMatchObject({
    results: [{ ok: true }],
  })
  socket.say({ op: 'ack', sub: 'g', receipts: [b.receipt] })
  expect(await socket.next(({ op }) => op === 'error')).toMatchObject({ sub: 'g', code: 'lease_lost' })
  expect(await socket.ask({ op: 'term', sub: 'g', receipts: [c.receipt], reason: 'poison' })).toMatchObject({
    results: [{ ok: true, dead: true }],
  })
  socket.close()
})

test('more credit brings more at once', async () => {
  const { connect, publish, topic } = await withServer()
  await publish(1, 2, 3)
  const socket = await connect()
  await socket.ask({ op: 'sub', sub: 'g', topic, group: 'billing', credit: 1 })
  await socket.next(isEvent)
  await socket.ask({ op: 'credit', sub: 'g', credit: 3 })
  await socket.next(isEvent)
  await socket.next(isEvent)
  socket.close()
})

test('events published over a socket keep their order and their bytes, and a key keeps them from coming twice', async () => {
  const { connect, topic, ask } = await withServer()
  const socket = await connect()
  const frames = Array.from({ length: 20 }, (_, n) => ({ type: 't', partitionkey: 'k', data: { n } }))
  const answers = await Promise.all(frames.map((one) => socket.ask({ op: 'pub', topic, events: [one] })))
  expect(answers.every(({ op, results }) => op === 'done' && results[0].streamId)).toBe(true)
  const page = await ask('GET', `/v1/topics/${topic}/events`)
  expect(page.body.events.map((one: { event: { data: { n: number } } }) => one.event.data.n)).toEqual([
    ...Array(20).keys(),
  ])
  const keyed = { op: 'pub', topic, key: 'once', events: [{ type: 't', data: 1 }] }
  await socket.ask(keyed)
  expect((await socket.ask(keyed)).results).toMatchObject([{ duplicate: true }])
  socket.say(
    `{"op":"pub","topic":"${topic}","ref":"x","events":[{"type":"t","data":{"b":1.0,  "a":9007199254740993}}]}`,
  )
  await socket.next(({ ref }) => ref === 'x')
  expect((await ask('GET', `/v1/topics/${topic}/events`)).text).toContain('{"b":1.0,  "a":9007199254740993}')
  socket.close()
})

test('every frame that does not fit is answered with its fault, and the socket stays', async () => {
  const { connect, topic, keyOf } = await withServer()
  const socket = await connect()
  const codeOf = async (frame: unknown) => {
    socket.say(frame)
    return (await socket.next(({ op }) => op === 'error')).code
  }
  expect(await codeOf('{')).toBe('malformed_json')
  expect(await codeOf('[]')).toBe('validation_failed')
  expect(await codeOf({ op: 'eat' })).toBe('validation_failed')
  expect(await codeOf({ op: 'constructor' })).toBe('validation_failed')
  expect(await codeOf({ op: 'sub', sub: 'a' })).toBe('validation_failed')
  expect(await codeOf({ op: 'sub', sub: 'a', topic, more: 1 })).toBe('validation_failed')
  expect(await codeOf({ op: 'sub', sub: 'a', topic, from: 'nonsense' })).toBe('bad_cursor')
  expect(await codeOf({ op: 'sub', sub: 'a', topic: 'nowhere' })).toBe('topic_not_found')
  expect(await codeOf({ op: 'sub', sub: 'a', topic, group: 'nobody' })).toBe('group_not_found')
  expect(await codeOf({ op: 'sub', sub: 'a', topic, group: 'billing', from: 'earliest' })).toBe('validation_failed')
  expect(await codeOf({ op: 'ack', sub: 'a', receipts: ['x'] })).toBe('not_found')
  expect(await codeOf({ op: 'pub', topic, events: [{}] })).toBe('validation_failed')
  expect(await codeOf({ op: 'pub', topic: 'audit', events: [{ type: 't' }] })).toBe('forbidden')
  socket.ws.send(new Uint8Array([1, 2, 3]))
  expect((await socket.next(({ op }) => op === 'error')).code).toBe('validation_failed')
  await socket.ask({ op: 'sub', sub: 'a', topic })
  expect(await codeOf({ op: 'sub', sub: 'a', topic })).toBe('conflict')
  expect(await codeOf({ op: 'credit', sub: 'a', credit: 1 })).toBe('validation_failed')
  socket.close()
  const reader = await connect(await keyOf(['events:consume']))
  expect(await reader.ask({ op: 'pub', topic, events: [{ type: 't' }] })).toMatchObject({ code: 'forbidden' })
  reader.close()
})

test('what a closed socket had not settled goes to somebody else at once', async () => {
  const { connect, publish, topic, ask } = await withServer({ leaseMs: 600_000 })
  await publish(1, 2)
  const socket = await connect()
  socket.say({ op: 'sub', sub: 'g', topic, group: 'billing' })
  await socket.next(isEvent)
  await socket.next(isEvent)
  const pulled = ask('POST', `/v1/topics/${topic}/groups/billing/pull`, { body: { max: 2, waitMs: 30_000 } })
  socket.close()
  const [again] = (await pulled).body.deliveries
  expect(again.deliveries).toBe(2)
})

test('trap 10: a service that stops closes its sockets with 1001, holds no lease after, and is not kept from stopping', async () => {
  const { connect, publish, topic, lag, host } = await withServer({ leaseMs: 600_000 })
  await publish(1, 2, 3)
  const socket = await connect()
  socket.say({ op: 'sub', sub: 'g', topic, group: 'billing', credit: 2 })
  await socket.next(isEvent)
  host.drain.endStreams()
  expect(await socket.closed).toMatchObject({ code: 1001, reason: 'draining' })
  await host.drain.whenIdle()
  expect(await lag()).toMatchObject({ leased: 0, ready: 1, parked: 2 })
})

test('a browser opens a socket with a ticket, once', async () => {
  const { ask, url, topic, publish } = await withServer()
  const { status, body } = await ask('POST', '/v1/ws/tickets')
  expect(status).toBe(201)
  const socket = await openSocket(`${url}?ticket=${body.ticket}`)
  socket.say({ op: 'sub', sub: 'a', topic, from: 'earliest' })
  await publish('hello')
  expect(await socket.next(isEvent)).toMatchObject({ event: { data: 'hello' } })
  socket.close()
  await expect(openSocket(`${url}?ticket=${body.ticket}`)).rejects.toThrow('did not open')
  await expect(openSocket(url)).rejects.toThrow('did not open')
})

test('what is no upgrade is told so', async () => {
  const { ask, server, key } = await withServer()
  expect(await ask('GET', '/v1/ws')).toMatchObject({ status: 426, body: { code: 'upgrade_required' } })
  const plain = await fetch(`http://127.0.0.1:${server.port}/v1/ws`, {
    headers: { authorization: `Bearer ${key}`, 'sec-websocket-protocol': 'mq.v1' },
  })
  expect(plain.status).toBe(426)
})

test('a key that is revoked closes its sockets', async () => {
  const ports = await startApp({ log })
  const app = new Elysia()
    .use(chassis({ ...ports, host: quietHost('hasty'), name: 'hasty', ready: {} }))
    .use(sockets(ports, { keyMs: 10 }))
  const server = serve(app, { hostname: '127.0.0.1', port: 0 })
  running.push(server)
  const socket = await openSocket(`ws://127.0.0.1:${server.port}/v1/ws`, { authorization: `Bearer ${ports.key}` })
  const kept = await ports.keys.find(ports.key.slice(3, 15))
  if (!kept) throw new Error('the key is not kept')
  await ports.keys.put({ ...kept, revokedAtMs: 1 })
  expect(await socket.closed).toMatchObject({ code: 1008 })
})
