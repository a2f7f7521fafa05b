import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { serviceNames } from './in-process.ts'
import { type WholeStack, wholeStack } from './whole-stack.ts'

let redis: TestRedis
let whole: WholeStack
beforeAll(async () => {
  redis = await startRedis()
  whole = await wholeStack({ REDIS_URL: redis.url, LAME_DUCK_MS: '500' })
}, 60_000)
afterAll(async () => {
  await whole.close()
  await redis.close()
}, 30_000)

const until = async (isSo: () => Promise<boolean>) => {
  while (!(await isSo())) await pause(25)
}
const ready = async (name: string) => {
  const response = await fetch(`${whole.url(name)}/ready`)
  const { failing } = (await response.json()) as { failing: string[] }
  return { status: response.status, failing }
}
const startedAt = async (name: string) =>
  /process_start_time_seconds (\d+)/.exec(await (await fetch(`${whole.url(name)}/metrics`)).text())?.[1]

test('Redis away: /ready names it, nobody restarts, acts are refused in words, and all goes on by itself', async () => {
  const names = serviceNames()
  const before = await Promise.all(names.map(startedAt))
  await redis.kill9()
  for (const name of names) {
    await until(async () => (await ready(name)).failing.includes('redis'))
    expect((await ready(name)).status).toBe(503)
    expect((await fetch(`${whole.url(name)}/health`)).status).toBe(200)
  }
  const refused = await fetch(`${whole.url('audit-sink-service')}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${whole.rootKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'test.thing.done', outcome: 'success', target: { type: 'thing', id: '1' } }),
  })
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBeTruthy()
  expect(await refused.text()).not.toContain('ECONNREFUSED')

  await redis.restart()
  for (const name of names) await until(async () => (await ready(name)).status === 200)
  expect(await Promise.all(names.map(startedAt))).toEqual(before)
  await whole.newKey(['audit:read'])
}, 60_000)

test('a caller that heeds /ready loses no request when a service stops under load', async () => {
  for (const name of serviceNames()) {
    const outcomes: string[] = []
    const worker = async () => {
      while ((await ready(name)).status === 200) {
        const response = await fetch(`${whole.url(name)}/health`)
        outcomes.push(`${response.status} ${(await response.text()).endsWith('}') ? 'whole' : 'cut off'}`)
      }
    }
    const load = Promise.all(Array.from({ length: 4 }, worker))
    await until(async () => outcomes.length > 20)
    const restarted = whole.stack.restart(name)
    await load
    await restarted
    expect([...new Set(outcomes)]).toEqual(['200 whole'])
  }
}, 120_000)
