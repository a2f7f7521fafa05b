import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readSse } from '@santaclaude/kit/sse'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis, whenReady } from '@santaclaude/redis/open'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { testKey } from '@santaclaude/testkit/test-key'

/** The process as it runs, on a real Redis. */
let redis: TestRedis
let upstream: FakeModelUpstream
let child: ReturnType<typeof start>
let base: string
let key: string

function start() {
  const environment = {
    PORT: '0',
    KEY_PEPPER: 'test-pepper',
    REDIS_URL: redis.url,
    OPENAI_API_KEY: 'sk-upstream-key',
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    DRAIN_MS: '5000',
  }
  return Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`], {
    env: environment,
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

async function portOf(output: ReadableStream<Uint8Array>): Promise<number> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of output) {
    text += decoder.decode(piece, { stream: true })
    const port = /"msg":"listening","port":(\d+)/.exec(text)?.[1]
    if (port) return Number(port)
  }
  throw new Error(`the service did not start: ${text}`)
}

beforeAll(async () => {
  redis = await startRedis({ appendfsync: 'always' })
  upstream = await startFakeModelUpstream()
  const connection = openRedis(redis.url, { name: 'test' })
  await whenReady(connection, 5_000)
  key = await testKey(keysInRedis(connection), ['ai:invoke'])
  connection.disconnect()
  child = start()
  base = `http://127.0.0.1:${await portOf(child.stdout)}`
}, 30_000)

afterAll(async () => {
  child.kill('SIGKILL')
  await child.exited
  await upstream.close()
  await redis.close()
})

const send = (path: string, json?: unknown) =>
  fetch(`${base}${path}`, {
    method: json === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
const ask = (extra: Record<string, unknown> = {}) =>
  send('/v1/chat/completions', { messages: [{ role: 'user', content: 'Sum these:\n3\n4' }], ...extra })

test('a call goes through, with its two audit records and its event in the log', async () => {
  expect((await ask({ model: 'gpt-5-mini' })).status).toBe(200)
  const session = (await (await send('/v1/sessions', { model: 'offline' })).json()) as { id: string }
  const turn = await send(`/v1/sessions/${session.id}/chat`, { message: 'Sum these:\n3\n4' })
  expect(((await turn.json()) as { message: { content: string } }).message.content).toBe('The sum is 7.')
  const log = openLog({ redisUrl: redis.url })
  const typesOf = async (tenant: string, topic: string) =>
    (await log.read({ tenant, topic }, { from: { at: 'earliest' }, limit: 100 })).entries.map(({ event }) => event)
  const records = (await typesOf('sc', 'audit')).map(({ dataJson }) => JSON.parse(dataJson ?? '') as { action: string })
  const calls = ['ai.call.requested', 'ai.call.completed']
  expect(records.map(({ action }) => action)).toEqual([...calls, 'ai.session.created', ...calls])
  expect((await typesOf('acme', 'ai')).map(({ type }) => type).sort()).toEqual([
    'ai.call.completed',
    'ai.call.completed',
    'ai.session.created',
  ])
  await log.close()
})

test('without Redis nothing is called and /ready says so; when it is back all goes on', async () => {
  await redis.kill9()
  const refused = await ask({ model: 'gpt-5-mini' })
  expect(refused.status).toBe(503)
  expect((await send('/ready')).status).toBe(503)
  expect((await send('/health')).status).toBe(200)
  await redis.restart()
  while ((await send('/ready')).status !== 200) await Bun.sleep(10)
  while ((await ask({ model: 'gpt-5-mini' })).status !== 200) await Bun.sleep(10)
}, 30_000)

test('SIGTERM lets a stream finish for DRAIN_MS, then ends it with an error event and exits clean', async () => {
  upstream.plan({ text: 'never to the end', fault: { kind: 'stall', afterEvents: 3 } })
  const response = await ask({ model: 'gpt-5-mini', stream: true })
  if (!response.body) throw new Error('no body')
  const data: string[] = []
  for await (const event of readSse(response.body)) {
    if (data.push(event.data) === 2) child.kill('SIGTERM')
  }
  expect(JSON.parse(data.at(-1) ?? '').error.code).toBe('draining')
  expect(await child.exited).toBe(0)
  expect(await upstream.requests.at(-1)?.ended).not.toBe('complete')
}, 30_000)
