import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandOf } from '@santaclaude/engines/processes'
import { pause } from '@santaclaude/kit/deadline'
import { openRedis } from '@santaclaude/redis/open'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { testKey } from '@santaclaude/testkit/test-key'

let redis: TestRedis
let key: string
let scratch: string
const started: Bun.Subprocess[] = []

// A guard against hanging, not a measure: the machine may be busy.
setDefaultTimeout(60_000)

beforeAll(async () => {
  redis = await startRedis()
  const client = openRedis(redis.url, { name: 'test' })
  key = await testKey(keysInRedis(client), ['browser:use'])
  client.disconnect()
  scratch = mkdtempSync(join(tmpdir(), 'sc-pool-'))
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill('SIGKILL')
    await child.exited
  }
})
afterAll(async () => {
  await redis.close()
  rmSync(scratch, { recursive: true, force: true })
})

/** The service as a process, as it is deployed. */
async function start(env: Record<string, string> = {}) {
  const child = Bun.spawn({
    cmd: [process.execPath, join(import.meta.dir, 'main.ts')],
    env: {
      PATH: '/usr/bin:/bin',
      PORT: '0',
      REDIS_URL: redis.url,
      KEY_PEPPER: 'test-pepper',
      SCRATCH_DIR: scratch,
      CHROMIUM_DIR: join(tmpdir(), 'sc-chromium'),
      DRAIN_MS: '5000',
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  started.push(child)
  const lines: Record<string, unknown>[] = []
  const { promise, resolve } = Promise.withResolvers<number>()
  const read = async () => {
    let rest = ''
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        const entry = JSON.parse(line) as Record<string, unknown>
        lines.push(entry)
        if (entry.msg === 'listening') resolve(entry.port as number)
      }
    }
  }
  const done = read()
  const url = `http://127.0.0.1:${await promise}`
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } })
  return { child, lines, done, ask }
}

/** Chromium processes that write into a scratch folder of ours. */
function browsersOf(child: Bun.Subprocess): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid)?.includes(`--user-data-dir=${scratch}/browser-pool-${child.pid}/`))
}
const until = async (holds: () => boolean) => {
  while (!holds()) await pause(20)
}

test('it is ready before it has started a browser, and a session finds one', async () => {
  const { child, ask } = await start()
  const ready = await ask('/ready')
  expect([ready.status, browsersOf(child)]).toEqual([200, []])
  expect((await ask('/v1/sessions', { method: 'POST', body: '{}' })).status).toBe(201)
  expect(browsersOf(child).length).toBeGreaterThan(0)
  expect(await (await ask('/metrics')).text()).toContain('sc_browser_pool_sessions 1')
})

test('SIGTERM ends sessions with a reason, every browser and the scratch folder, and then the process', async () => {
  const { child, lines, done, ask } = await start()
  await ask('/v1/sessions', { method: 'POST', body: '{}' })
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  await done
  await until(() => browsersOf(child).length === 0)
  expect(existsSync(join(scratch, `browser-pool-${child.pid}`))).toBe(false)
  expect(lines.at(-1)?.msg).toBe('stopped')
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('kill -9 of the service leaves no browser behind, and the next start removes what it had written', async () => {
  const { child, ask } = await start()
  await ask('/v1/sessions', { method: 'POST', body: '{}' })
  expect(browsersOf(child).length).toBeGreaterThan(0)
  child.kill('SIGKILL')
  await child.exited
  await until(() => browsersOf(child).length === 0)
  const left = join(scratch, `browser-pool-${child.pid}`)
  expect(existsSync(left)).toBe(true)
  // A folder of somebody who still runs is not ours to remove.
  mkdirSync(join(scratch, `browser-pool-${process.pid}`))
  await start()
  expect([existsSync(left), existsSync(join(scratch, `browser-pool-${process.pid}`))]).toEqual([false, true])
})

test('without a Chromium that works it says so in /ready and in the answer, and stays up', async () => {
  const broken = join(scratch, 'broken')
  writeFileSync(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const { ask } = await start({ CHROMIUM_PATH: broken })
  const ready = await ask('/ready')
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('chromium')])
  expect((await ask('/v1/sessions', { method: 'POST', body: '{}' })).status).toBe(503)
  expect((await ask('/health')).status).toBe(200)
})
