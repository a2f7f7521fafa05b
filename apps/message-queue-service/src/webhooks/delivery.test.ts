import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { verify } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { base62Random } from '@santaclaude/kit/ids'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { HTTP } from 'cloudevents'
import type { Redis } from 'ioredis'
import { Webhook as Standard } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import { changed } from './change-one.ts'
import { groupOf } from './group.ts'
import { hookHouse, newEvent, quickPumps, subscribed, until } from './hooks.fixture.ts'
import { httpSender } from './sender/http.ts'
import type { Sender } from './sender/port.ts'
import { readPublicKey } from './signing.ts'
import { hookStoreInRedis } from './store/redis.ts'

/** Redis, the log on it, the network and the endpoint are all real here. */
interface Got {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

let server: TestRedis
let redis: Redis
let log: EventLog
let sender: Sender
let endpoint: Server
let endpointUrl: string
const got: Got[] = []
let answer: (request: Got) => number | Promise<number> = () => 200

beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
  log = openLog({ redisUrl: server.url })
  sender = httpSender({ allowPrivate: true })
  endpoint = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
    got.push(one)
    response.writeHead(await answer(one)).end()
  })
  await new Promise<void>((ready) => endpoint.listen(0, '127.0.0.1', ready))
  endpointUrl = `http://127.0.0.1:${(endpoint.address() as { port: number }).port}`
})
afterAll(async () => {
  endpoint.closeAllConnections()
  endpoint.close()
  await sender.close()
  await log.close()
  redis.disconnect()
  await server.close()
})

/** A subscription on all that is real, with its pumps running. */
async function running(more: Parameters<typeof subscribed>[1] = {}) {
  const house = hookHouse({ log, sender, store: hookStoreInRedis(redis) })
  const topic = `t${base62Random(8)}`
  const path = `/${topic}`
  const { made, secret } = await subscribed(house, { topic, url: `${endpointUrl}${path}`, ...more })
  const pumps = quickPumps(house)
  const mine = () => got.filter((one) => one.path === path)
  const settled = async (count: number) => {
    await until(() => mine().length >= count)
    await until(async () => {
      await log.sweep()
      const { ready, leased, parked } = await log.lag(groupOf(made))
      return ready + leased + parked === 0
    })
  }
  return { house, made, secret, pumps, mine, settled, close: () => pumps.close() }
}

const headersOf = ({ headers }: Got) => headers as Record<string, string>
const verifiesV1a = (publicKey: string, { headers, body }: Got) => {
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((one) => one.startsWith('v1a,'))
    .some((one) => verify(null, content, readPublicKey(publicKey), Buffer.from(one.slice(4), 'base64')))
}

describe.each(['structured', 'binary'] as const)('%s messages', (mode) => {
  test('arrive once each, verify with both libraries and the public key, and read as the events they were', async () => {
    const { made, secret, mine, settled, close } = await running({ mode })
    await log.append(
      made,
      Array.from({ length: 200 }, (_, n) => newEvent(n, { dataJson: JSON.stringify({ n, text: 'ü€𝄞' }) })),
    )
    await settled(200)
    await close()
    expect(mine()).toHaveLength(200)
    for (const Library of [Standard, Svix])
      for (const one of mine()) expect(() => new Library(secret).verify(one.body, headersOf(one))).not.toThrow()
    expect(mine().every((one) => verifiesV1a(made.publicKeys[0]?.key ?? '', one))).toBe(true)
    const numbers = mine().map(({ headers, body }) => {
      const event = HTTP.toEvent({ headers, body }) as { id: string; data: { n: number; text: string } }
      expect(event.data.text).toBe('ü€𝄞')
      return event.data.n
    })
    expect(numbers.toSorted((a, b) => a - b)).toEqual([...Array(200).keys()])
  })
})

test('while a rotation is under way no receiver that knows the old or the new secret refuses anything', async () => {
  const { house, made, secret: old, mine, settled, pumps, close } = await running()
  await log.append(
    made,
    Array.from({ length: 50 }, (_, n) => newEvent(n)),
  )
  const nowMs = Date.now()
  let next = ''
  await changed(house.hooks.store, made, (now) => {
    const { secret, ...keys } = house.hooks.keyring.rotated(now, { nowMs, untilMs: nowMs + 3_600_000 })
    next = secret
    return { ...now, ...keys }
  })
  pumps.nudge(made)
  await until(async () => {
    await log.append(made, [newEvent(Math.random())])
    return String(mine().at(-1)?.headers['webhook-signature']).split(' ').length === 4
  })
  await log.append(
    made,
    Array.from({ length: 50 }, (_, n) => newEvent(100 + n)),
  )
  await settled(100)
  await close()
  for (const one of mine()) expect(() => new Standard(old).verify(one.body, headersOf(one))).not.toThrow()
  const last = mine().at(-1) as Got
  expect(() => new Svix(next).verify(last.body, headersOf(last))).not.toThrow()
})

test('messages of one key arrive in order, also past a failure', async () => {
  const { made, mine, settled, close } = await running({ ordering: 'key', retryMs: Array(5).fill(0) })
  let calls = 0
  answer = () => (++calls % 7 === 0 ? 500 : 200)
  await log.append(
    made,
    Array.from({ length: 60 }, (_, n) => newEvent(n, { partitionkey: `k${n % 3}` })),
  )
  await settled(60)
  await close()
  answer = () => 200
  const seen = new Map<number, number[]>()
  for (const { body } of mine()) {
    const { n } = (JSON.parse(body) as { data: { n: number } }).data
    const line = seen.get(n % 3) ?? []
    if (line.at(-1) !== n) seen.set(n % 3, [...line, n])
  }
  for (const [key, line] of seen) expect(line).toEqual(Array.from({ length: 20 }, (_, n) => 3 * n + key))
})

test('what it could not deliver lies in the dead letters of its group, like any group’s', async () => {
  const { made, house, settled, close } = await running({ retryMs: [0, 0] })
  answer = () => 500
  await log.append(made, [newEvent(1), newEvent(2)])
  await settled(6)
  await close()
  answer = () => 200
  expect(await log.lag(groupOf(made))).toMatchObject({ ready: 0, leased: 0, parked: 0, dead: 2 })
  const { letters } = await log.deadLetters(groupOf(made), { limit: 10 })
  expect(letters.map(({ reason }) => reason)).toEqual(Array(2).fill('3 attempts failed, the last one with 500'))
  const kept = await house.hooks.store.attempts.list(made, { limit: 10 })
  expect(kept.map(({ result }) => result).toSorted()).toEqual(['dead', 'dead', ...Array(4).fill('pending')])
})
