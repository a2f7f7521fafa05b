import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'

/** NDJSON over a real socket on a real Redis. */
let redis: TestRedis
let app: Awaited<ReturnType<typeof startApp>>
let server: ReturnType<typeof Bun.serve>
beforeAll(async () => {
  redis = await startRedis()
  app = await startApp({ log: openLog({ redisUrl: redis.url }) })
  server = Bun.serve({ port: 0, fetch: app.fetch, idleTimeout: 0 })
})
afterAll(async () => {
  await server.stop(true)
  await app.log.close()
  await redis.close()
})

let topics = 0
async function topic() {
  const path = `/v1/topics/t${topics++}`
  await app.ask('PUT', path, { body: { partitions: 2, retention: { maxEvents: null } } })
  return `${path}/events`
}

const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(new URL(path, server.url), {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/x-ndjson', ...headers },
  })
const parsed = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const held = async (path: string) => app.log.size({ tenant: 'acme', topic: path.split('/')[3] as string })

test('every line is answered in order, and a line that does not fit is refused alone', async () => {
  const path = await topic()
  const body = '{"type":"t","data":1}\n\n{"type":\n {"data":2} \r\n{"type":"t","data":{"a":"]\\n"}}'
  const response = await post(path, body)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
  expect(parsed(await response.text())).toMatchObject([
    { line: 1, duplicate: false, durability: 'aof', streamId: expect.any(String) },
    { line: 2, code: 'malformed_json' },
    { line: 3, code: 'validation_failed', detail: '/type is missing.' },
    { line: 4, duplicate: false },
    { end: true, lines: 4, new: 2, duplicates: 0, refused: 2 },
  ])
  expect(await held(path)).toBe(2)
})

test('the lines of one request are answered while the next ones are still to come', async () => {
  const path = await topic()
  let more: (line: string) => void = () => {}
  let end = () => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      more = (line) => controller.enqueue(new TextEncoder().encode(`${line}\n`))
      end = () => controller.close()
    },
  })
  more('{"type":"t","data":1}')
  const response = await post(path, body)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const next = async () => parsed(new TextDecoder().decode((await reader.read()).value))
  expect(await next()).toMatchObject([{ line: 1 }])
  expect(await held(path)).toBe(1)
  more('{"type":"t","data":2}')
  expect(await next()).toMatchObject([{ line: 2 }])
  expect(await held(path)).toBe(2)
  end()
  expect(await next()).toMatchObject([{ end: true, lines: 2 }])
})

test('a long request takes bounded memory and loses no line, whatever the pieces it comes in', async () => {
  const path = await topic()
  const total = 60_000
  const line = (n: number) => `{"type":"t","data":{"n":${n},"text":"${'é'.repeat(300)}"}}\n`
  let n = 0
  let rest = Buffer.alloc(0)
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      while (rest.length < 70_001 && n < total) rest = Buffer.concat([rest, Buffer.from(line(n++))])
      if (rest.length === 0) return controller.close()
      // Pieces that end in the middle of lines, and of characters.
      controller.enqueue(new Uint8Array(rest.subarray(0, 70_001)))
      rest = rest.subarray(70_001)
    },
  })
  const response = await post(path, body)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  let lines = 0
  let aheadMax = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    text = (text + new TextDecoder().decode(value)).slice(-500)
    aheadMax = Math.max(aheadMax, n - lines)
    lines += value.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0)
  }
  expect(JSON.parse(text.trim().split('\n').at(-1) as string)).toEqual({
    ...{ end: true, lines: total, new: total, duplicates: 0, refused: 0 },
  })
  expect(lines).toBe(total + 1)
  expect(await held(path)).toBe(total)
  // The rest are in the buffers of the socket: the sender is held back.
  expect(aheadMax).toBeLessThan(total * 0.8)
}, 60_000)

test('a request sent again under its key adds nothing', async () => {
  const path = await topic()
  const lines = Array.from({ length: 1_200 }, (_, n) => `{"type":"t","data":${n}}`).join('\n')
  const headers = { 'idempotency-key': 'import-7' }
  const first = parsed(await (await post(path, lines, headers)).text())
  const again = parsed(await (await post(path, lines, headers)).text())
  expect(again.at(-1)).toMatchObject({ end: true, lines: 1_200, new: 0, duplicates: 1_200 })
  expect(again.map(({ id, streamId }) => [id, streamId])).toEqual(first.map(({ id, streamId }) => [id, streamId]))
  expect(await held(path)).toBe(1_200)
})

test('what is wrong with the whole request is answered as a problem, before anything is kept', async () => {
  const path = await topic()
  const line = '{"type":"t"}\n'
  const answers = await Promise.all([
    post('/v1/topics/nowhere/events', line),
    post('/v1/topics/ai/events', line),
    post(`${path}?atomic=true`, line),
    post(path, line, { 'mq-durability': 'replicas=3' }),
    post(path, `{"type":"t","data":"${'x'.repeat(3_000_000)}"}`),
  ])
  const told = await Promise.all(
    answers.map(async (answer) => `${answer.status} ${((await answer.json()) as { code: string }).code}`),
  )
  expect(told).toEqual([
    '404 topic_not_found',
    '403 forbidden',
    '422 validation_failed',
    '503 durability_unavailable',
    '413 event_too_large',
  ])
  expect(await held(path)).toBe(0)
})
