import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import type { EventLog, LogEntry } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { chassis } from '@santaclaude/service/chassis'
import { quietHost } from '@santaclaude/service/host'
import { serve } from '@santaclaude/service/serve'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { Elysia } from 'elysia'
import { startApp } from '../app.fixture.ts'
import { sockets } from '../sockets/routes.ts'
import { streams } from '../streams/routes.ts'
import { framesOf, openSlow } from './slow.fixture.ts'

/** Readers that stop reading: the service holds a bounded amount for them, then drops them where they can go on. */
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

const count = 400

/** Behind a real port, with no patience, and a topic that holds far more than any pipe. */
async function withBacklog(topic: string) {
  const ports = await startApp({ log })
  const app = new Elysia()
    .use(chassis({ ...ports, host: quietHost('slow'), name: 'slow', ready: {} }))
    .use(streams(ports, { stalledMs: 100 }))
    .use(sockets(ports, { stalledMs: 100 }))
  const server = serve(app, { hostname: '127.0.0.1', port: 0 })
  const address = { tenant: 'acme', topic }
  await log.createTopic(address, { partitions: 1 })
  const fill = 'x'.repeat(50_000)
  for (let n = 0; n < count; n++)
    await log.append(address, [{ id: `e${n}`, source: '/s', type: 't', dataJson: JSON.stringify({ n, fill }) }])
  const head = (path: string, ...more: string[]) => [
    `GET ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${ports.key}`,
    ...more,
  ]
  const dropped = async () => {
    while (!/dropped_readers_total\{[^}]*\} 1/.test(await ports.host.metrics.text())) await pause(5)
  }
  const after = async (cursor: string) => {
    const { entries, gaps } = await log.read(address, { from: { cursor }, limit: 1 })
    expect(gaps).toEqual([])
    return entries.map(numberOf)
  }
  return { server, head, dropped, after, stop: () => server.stop(true) }
}

const numberOf = ({ event: { dataJson = '' } }: LogEntry) => (JSON.parse(dataJson) as { n: number }).n
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

test('a slow reader of server-sent events is dropped, and told where it can go on', async () => {
  const { server, head, dropped, after, stop } = await withBacklog('slow-sse')
  const reader = await openSlow(
    server.port as number,
    head('/v1/topics/slow-sse/stream?from=earliest', 'connection: close'),
  )
  await dropped()
  const text = (await reader.rest()).toString()
  const seen = [...text.matchAll(/"data":\{"n":(\d+)/g)].map(([, n]) => Number(n))
  expect(seen).toEqual(numbers(0, seen.length))
  expect(seen.length).toBeLessThan(count)
  const [, cursor = ''] = /event: mq\.dropped\ndata: \{"cursor":"([^"]+)"/.exec(text) ?? []
  expect(text).not.toContain('event: end')
  expect(await after(cursor)).toEqual([seen.length])
  stop()
})

test('trap 12: a slow socket is not left with silent holes but dropped, with a cursor for each subscription, and closed with 1013', async () => {
  const { server, head, dropped, after, stop } = await withBacklog('slow-ws')
  const key = Buffer.from('0123456789abcdef').toString('base64')
  const upgrade = [
    'upgrade: websocket',
    'connection: Upgrade',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${key}`,
  ]
  const reader = await openSlow(server.port as number, [...head('/v1/ws', ...upgrade, 'sec-websocket-protocol: mq.v1')])
  reader.say(JSON.stringify({ op: 'sub', sub: 'a', topic: 'slow-ws', from: 'earliest' }))
  await dropped()
  const { texts, code } = framesOf(await reader.rest())
  const frames = texts.map((text) => JSON.parse(text))
  const seen = frames.filter(({ op }) => op === 'event').map(({ event }) => event.data.n)
  expect(seen).toEqual(numbers(0, seen.length))
  expect(seen.length).toBeLessThan(count)
  const last = frames.at(-1)
  expect(last).toMatchObject({ op: 'dropped', sub: 'a' })
  expect(code).toBe(1013)
  expect(await after(last.cursor)).toEqual([seen.length])
  stop()
})
