import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditRecord } from '@santaclaude/audit/record'
import { appendRecords } from '@santaclaude/audit/recorder'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { testKey } from '@santaclaude/testkit/test-key'
import type { EventPage } from './events/read.ts'

const dir = mkdtempSync(join(tmpdir(), 'sc-audit-sink-'))
const tenant = 'acme'
let redisServer: TestRedis
let redis: ReturnType<typeof openRedis>
let log: EventLog
let key: string
beforeAll(async () => {
  redisServer = await startRedis({ appendfsync: 'always' })
  redis = openRedis(redisServer.url, { name: 'main-test' })
  log = openLog({ redisUrl: redisServer.url })
  key = await testKey(keysInRedis(redis), ['audit:write', 'audit:read'], tenant)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await log.close()
  redis.disconnect()
  await redisServer.close()
  rmSync(dir, { recursive: true, force: true })
})

const children: Bun.Subprocess[] = []

/** Starts the real process; resolves when it listens, or with its exit code and output when it ends instead. */
async function startService(env: Record<string, string> = {}) {
  const child = Bun.spawn({
    cmd: [process.execPath, join(import.meta.dir, 'main.ts')],
    env: {
      PORT: '0',
      REDIS_URL: redisServer.url,
      CLICKHOUSE_URL: `chdb:${join(dir, 'clickhouse')}`,
      KEY_PEPPER: 'test-pepper',
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  children.push(child)
  const reader = child.stdout.getReader()
  const decoder = new TextDecoder()
  let said = ''
  for (;;) {
    const { done, value } = await reader.read()
    said += decoder.decode(value)
    const port = /"msg":"listening","port":(\d+)/.exec(said)?.[1]
    if (port) {
      // Read on, or the process would wait for room in the pipe.
      const drained = (async () => {
        while (!(await reader.read()).done);
      })()
      return { child, url: `http://127.0.0.1:${port}`, said, drained }
    }
    if (done)
      return { child, url: '', said: said + (await new Response(child.stderr).text()), code: await child.exited }
  }
}

const headers = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })
const stated = (n: number) => ({ action: 'load.step.taken', outcome: 'success', target: { type: 'load', id: `${n}` } })

/** Every id the service shows, page by page. */
async function shownBy(url: string): Promise<string[]> {
  const ids: string[] = []
  for (let cursor = ''; ; ) {
    const response = await fetch(`${url}/v1/events?limit=1000${cursor}`, { headers: headers() })
    const { events, next } = (await response.json()) as EventPage
    ids.push(...events.map(({ id }) => id))
    if (!next) return ids
    cursor = `&cursor=${next}`
  }
}

test('killed with -9 again and again under load, every acknowledged record is stored exactly once', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  const acknowledged = new Set<string>()
  let url = ''
  let isOver = false

  const throughLog = async () => {
    for (let n = 0; !isOver; n++) {
      const target = { type: 'load', id: String(n) }
      const records = Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
        auditRecord(
          { tenant, actor: { type: 'user', id: 'a' }, action: 'load.step.taken', outcome: 'success', target },
          { source: '/load', nowMs: Date.now() },
        ),
      )
      await appendRecords(
        log,
        records.map((record) => ({ record })),
      )
      for (const { id } of records) acknowledged.add(id)
      await Bun.sleep(random() * 15)
    }
  }
  const overHttp = async () => {
    for (let n = 0; !isOver; n++) {
      const body = JSON.stringify({ events: [stated(n), stated(n + 0.5)] })
      const answer = await fetch(`${url}/v1/events/batch`, { method: 'POST', headers: headers(), body }).catch(
        () => undefined,
      )
      const receipts = answer?.ok ? ((await answer.json()) as { receipts: { id: string }[] }).receipts : []
      for (const { id } of receipts) acknowledged.add(id)
      await Bun.sleep(5)
    }
  }

  const isWriting = async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return /^sc_audit_sink_rows_total [1-9]/m.test(text)
  }
  let service = await startService()
  url = service.url
  const load = [throughLog(), overHttp()]
  for (let round = 0; round < 8; round++) {
    while (round % 2 && !(await isWriting())) await Bun.sleep(10)
    await Bun.sleep(random() * 700)
    service.child.kill('SIGKILL')
    await service.child.exited
    service = await startService()
    url = service.url
  }
  isOver = true
  await Promise.all(load)

  let shown: string[] = []
  while (shown.length < acknowledged.size) {
    shown = await shownBy(url)
    await Bun.sleep(100)
  }
  expect(acknowledged.size).toBeGreaterThan(100)
  // An event whose answer was lost may be there too, so the shown ones are compared as sets and counted.
  const missing = [...acknowledged].filter((id) => !shown.includes(id))
  expect(missing).toEqual([])
  expect(new Set(shown).size).toBe(shown.length)

  service.child.kill('SIGTERM')
  expect(await service.child.exited).toBe(0)
}, 60_000)

test('asked to stop, it answers what it took and leaves the lease to the next', async () => {
  const service = await startService()
  const posts = Array.from({ length: 20 }, (_, n) =>
    fetch(`${service.url}/v1/events`, { method: 'POST', headers: headers(), body: JSON.stringify(stated(n)) }),
  )
  const answers = await Promise.all(posts)
  service.child.kill('SIGTERM')
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
  expect(await service.child.exited).toBe(0)
  expect(await redis.keys('sc:audit-sink:writer:*')).toEqual([])
}, 30_000)

test('a second process on the same folder ends at once and says which one holds it', async () => {
  const first = await startService()
  const second = await startService()
  expect(second.code).toBe(1)
  expect(second.said).toContain(`is in use by process ${first.child.pid}`)
  first.child.kill('SIGTERM')
  await first.child.exited
}, 30_000)

test('told that it is replicated, it refuses the embedded engine and says what to set', async () => {
  const { code, said } = await startService({ REPLICATED: 'true' })
  expect(code).toBe(1)
  expect(said).toContain('Set CLICKHOUSE_URL=http://… to a ClickHouse server')
}, 30_000)
