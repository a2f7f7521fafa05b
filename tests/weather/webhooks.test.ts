import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createServer, type Server } from 'node:http'
import { pause } from '@santaclaude/kit/deadline'
import { base62Random } from '@santaclaude/kit/ids'
import { Webhook } from 'standardwebhooks'
import { Bus } from './bus.ts'
import { startWorld, type World } from './world.ts'

/**
 * Webhooks under faults: two processes of the service on a real Redis, and a real endpoint that verifies every
 * signature. Whatever is killed or frozen, every event arrives at every subscription, and what arrives twice was on its
 * way at that moment.
 */
const tenant = 'acme'
const concurrency = 8
let world: World
let server: Server
let endpointUrl: string

/** What arrived, by the subscription it was for: event number -> how often. */
const arrived = new Map<string, Map<number, number>>()
const ids = new Map<string, Set<string>>()
const secrets = new Map<string, string>()
let badSignatures = 0
let answerMs = 5

beforeAll(async () => {
  world = await startWorld([tenant])
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const name = request.url?.slice(1) ?? ''
    try {
      new Webhook(secrets.get(name) ?? '').verify(body, request.headers as Record<string, string>)
    } catch {
      badSignatures++
    }
    await pause(answerMs)
    const { n } = (JSON.parse(body) as { data: { n: number } }).data
    const counts = arrived.get(name) ?? new Map<number, number>()
    arrived.set(name, counts.set(n, (counts.get(n) ?? 0) + 1))
    ids.set(name, (ids.get(name) ?? new Set()).add(String(request.headers['webhook-id'])))
    response.end('ok')
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  endpointUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}`
}, 60_000)
afterAll(async () => {
  await world.close()
  server.closeAllConnections()
  server.close()
}, 30_000)

/** Asks until it is done: what failed or was cut off is sent again, as a client would. */
async function done(path: string, { method = 'POST', body }: { method?: string; body?: unknown } = {}) {
  const bus = new Bus(world.keyOf, [])
  for (let turn = 0; ; turn++) {
    const url = world.members[turn % 2]?.url ?? ''
    const answer = await bus.ask(`${url}${path}`, tenant, { method, body, deadlineMs: 3_000 })
    if (answer.outcome === 'ok') return answer.body
    await pause(50)
  }
}

/** A topic with this many subscriptions, and what a test does with them. */
async function scene(count: number) {
  const topic = `t${base62Random(8)}`
  await done(`/v1/topics/${topic}`, { method: 'PUT', body: {} })
  const names: string[] = []
  for (let n = 0; n < count; n++) {
    const name = `${topic}-${n}`
    const body = { topic, url: `${endpointUrl}/${name}`, timeoutMs: 1_000, concurrency, retryMs: Array(20).fill(500) }
    const { secret, id } = await done('/v1/subscriptions', { body })
    secrets.set(name, secret)
    names.push(name)
    arrived.set(name, new Map())
    ids.set(name, new Set())
    expect(id).toBeString()
  }
  const publish = async (from: number, to: number) => {
    for (let n = from; n < to; n += 20) {
      const body = Array.from({ length: Math.min(20, to - n) }, (_, at) => ({
        ...{ specversion: '1.0', id: `${topic}-${n + at}`, source: '/weather', type: 'weather.event.sent' },
        data: { n: n + at },
      }))
      await done(`/v1/topics/${topic}/events`, { body })
    }
  }
  const total = () => names.reduce((sum, name) => sum + (arrived.get(name)?.size ?? 0), 0)
  const reach = async (wanted: number) => {
    while (total() < wanted) await pause(20)
  }
  /** Every event at every subscription, and no more twice than was on its way when something struck. */
  const expectAll = (events: number, strikes: number) => {
    for (const name of names) {
      const counts = arrived.get(name) ?? new Map()
      expect(counts.size).toBe(events)
      const twice = [...counts.values()].reduce((sum, times) => sum + times - 1, 0)
      expect(twice).toBeLessThanOrEqual(strikes * 2 * concurrency)
      expect(ids.get(name)?.size).toBe(events)
    }
    expect(badSignatures).toBe(0)
  }
  return { publish, reach, expectAll, total }
}

test('a replica killed with -9 in mid-delivery loses nothing: the other one takes its share over', async () => {
  answerMs = 20
  const { publish, reach, expectAll } = await scene(4)
  const publishing = publish(0, 400)
  await reach(200)
  await world.members[0]?.kill9()
  await publishing
  await reach(4 * 400)
  await world.members[0]?.start()
  expectAll(400, 1)
}, 90_000)

test('Redis killed with -9 loses nothing, and delivery goes on without anybody’s help', async () => {
  answerMs = 5
  const { publish, reach, expectAll } = await scene(3)
  const publishing = publish(0, 600)
  await reach(200)
  await world.killRedis()
  await pause(300)
  await world.startRedis()
  await publishing
  await reach(3 * 600)
  expectAll(600, 1)
}, 90_000)

test('a replica frozen for longer than its duty and its leases changes nothing when it wakes up', async () => {
  answerMs = 20
  const { publish, reach, expectAll, total } = await scene(4)
  const publishing = publish(0, 400)
  await reach(200)
  world.members[0]?.signal('SIGSTOP')
  await publishing
  await reach(4 * 400)
  world.members[0]?.signal('SIGCONT')
  await pause(1_500)
  expect(total()).toBe(4 * 400)
  await publish(400, 420)
  await reach(4 * 420)
  expectAll(420, 1)
}, 90_000)

test('replicas that stop and start one after the other lose nothing and deliver nothing twice', async () => {
  answerMs = 20
  const { publish, reach, expectAll } = await scene(4)
  const publishing = publish(0, 600)
  for (const member of world.members) {
    await pause(500)
    await member.stop()
    await member.start()
  }
  await publishing
  await reach(4 * 600)
  expectAll(600, 0)
}, 90_000)
