import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { memoryLog } from '@santaclaude/log/memory'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { agendaInMemory, emptyTable } from '../agenda/memory.ts'
import { agendasInRedis } from '../agenda/redis.ts'
import { startApp } from '../app.fixture.ts'
import { stepSchedules } from './firing.ts'

let server: TestRedis
let redis: Redis
let log: EventLog
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'always' })
  redis = openRedis(server.url, { name: 'test' })
  log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
})
afterAll(async () => {
  await log.close()
  redis.disconnect()
  await server.close()
})

const event = { type: 'shop.report.due', data: { kind: 'daily' } }

/** The app with a clock that the test moves. */
async function atTime(iso: string) {
  const clock = { nowMs: Date.parse(iso), now: () => clock.nowMs }
  const log = memoryLog({ clock })
  const table = emptyTable()
  const app = await startApp({ log, schedules: agendaInMemory({ clock, table }) })
  await app.ask('PUT', '/v1/topics/orders', { body: {} })
  const put = (name: string, more: Record<string, unknown>) =>
    app.ask('PUT', `/v1/schedules/${name}`, { body: { topic: 'orders', event, ...more } })
  const published = async () => {
    const { body } = await app.ask('GET', '/v1/topics/orders/events?limit=1000')
    return body.events.map(({ event }: { event: { time: string } }) => event.time)
  }
  const replica = () => ({ ...app, schedules: agendaInMemory({ clock, table }) })
  return { ...app, clock, put, published, replica }
}

test('a schedule is made, shown with its next five firings, changed, held, let go and deleted', async () => {
  const { ask, put, audit, keyOf } = await atTime('2026-01-05T00:00:00Z')
  const made = await put('nightly', { cron: '0 7 * * 1-5', timezone: 'Europe/Berlin' })
  expect(made).toMatchObject({ status: 201, body: { name: 'nightly', state: 'active', missed: 'one', fired: 0 } })
  expect(made.body.next).toEqual([5, 6, 7, 8, 9].map((day) => `2026-01-0${day}T06:00:00.000Z`))
  expect((await put('nightly', { everyMs: 60_000 })).status).toBe(200)
  expect((await ask('POST', '/v1/schedules/nightly/pause')).body).toMatchObject({ state: 'paused', next: [] })
  expect((await ask('POST', '/v1/schedules/nightly/resume')).body).toMatchObject({ state: 'active' })
  await put('another', { at: '2027-01-01T00:00:00Z' })
  const page = await ask('GET', '/v1/schedules?limit=1')
  expect(page.body).toMatchObject({ schedules: [{ name: 'another' }], next: 'another' })
  const key = await keyOf(undefined, 'other')
  expect((await ask('GET', '/v1/schedules/nightly', { key })).status).toBe(404)
  expect((await ask('DELETE', '/v1/schedules/nightly')).status).toBe(204)
  expect((await ask('GET', '/v1/schedules/nightly')).body).toMatchObject({ code: 'schedule_not_found' })
  expect(audit.records.map(({ action }) => action)).toContain('mq.schedule.paused')
})

test('what cannot be a schedule is refused in words, and nothing is kept', async () => {
  const { put, ask } = await atTime('2026-01-05T00:00:00Z')
  const codes: [Record<string, unknown>, string][] = [
    [{}, 'invalid_schedule'],
    [{ at: '2027-01-01T00:00:00Z', everyMs: 60_000 }, 'invalid_schedule'],
    [{ cron: 'every day' }, 'invalid_schedule'],
    [{ cron: '0 0 * * *', timezone: 'Mars/Phobos' }, 'invalid_schedule'],
    [{ cron: '0 0 31 2 *' }, 'invalid_schedule'],
    [{ at: '2020-01-01T00:00:00Z' }, 'invalid_schedule'],
    [{ everyMs: 60_000, timezone: 'UTC' }, 'invalid_schedule'],
    [{ everyMs: 10 }, 'validation_failed'],
    [{ everyMs: 60_000, topic: 'nowhere' }, 'topic_not_found'],
    [{ everyMs: 60_000, topic: 'audit' }, 'forbidden'],
  ]
  for (const [wish, code] of codes) expect((await put('bad', wish)).body).toMatchObject({ code })
  expect((await ask('GET', '/v1/schedules/bad')).status).toBe(404)
})

test('it fires at its times, once each, and says so', async () => {
  const { put, published, clock, ask, ...ports } = await atTime('2026-01-05T00:00:00Z')
  await put('minutely', { everyMs: 60_000 })
  await put('once', { at: '2026-01-05T00:01:30Z' })
  for (let seconds = 0; seconds < 180; seconds += 10) {
    clock.nowMs += 10_000
    await stepSchedules(ports)
    await stepSchedules(ports)
  }
  expect(await published()).toEqual(['01:00', '01:30', '02:00', '03:00'].map((time) => `2026-01-05T00:${time}.000Z`))
  expect((await ask('GET', '/v1/schedules/minutely')).body).toMatchObject({
    fired: 3,
    lastFiredAt: '2026-01-05T00:03:00.000Z',
  })
  expect((await ask('GET', '/v1/schedules/once')).body).toMatchObject({ state: 'finished', next: [] })
  const { entries } = await ports.log.read({ tenant: 'acme', topic: 'orders' }, { from: { at: 'earliest' }, limit: 1 })
  expect(JSON.parse(entries[0]?.event.attributesJson ?? '')).toMatchObject({ schedule: 'minutely', tenant: 'acme' })
})

test('after a long night one firing makes up for all, unless it is said otherwise', async () => {
  const { put, clock, ask, ...ports } = await atTime('2026-01-05T00:00:00Z')
  for (const missed of ['skip', 'one', 'all']) await put(missed, { everyMs: 60_000, missed })
  clock.nowMs += 30 * 60_000 + 59_999
  await stepSchedules(ports)
  const fired = async (name: string) => (await ask('GET', `/v1/schedules/${name}`)).body
  expect(await fired('all')).toMatchObject({ fired: 30, skipped: 0 })
  // Of thirty, the last came due less than a minute ago: it was not missed.
  expect(await fired('one')).toMatchObject({ fired: 1, skipped: 29 })
  expect(await fired('skip')).toMatchObject({ fired: 1, skipped: 29 })
})

test('a firing whose owner was killed after publishing is not published again by the next', async () => {
  const { put, published, clock, replica, ...ports } = await atTime('2026-01-05T00:00:00Z')
  await put('minutely', { everyMs: 60_000 })
  clock.nowMs += 60_000
  const dying = { ...ports.schedules, put: () => Promise.reject(new Error('killed')) }
  await stepSchedules({ ...ports, schedules: dying })
  expect(await published()).toHaveLength(1)
  const next = replica()
  await stepSchedules(next)
  expect(await published()).toHaveLength(1)
  clock.nowMs += 6_000
  await stepSchedules(next)
  expect(await published()).toHaveLength(1)
  expect((await ports.ask('GET', '/v1/schedules/minutely')).body).toMatchObject({ fired: 1 })
})

test('a topic that is gone fails the firing and says so; the next one comes', async () => {
  const { put, clock, ask, ...ports } = await atTime('2026-01-05T00:00:00Z')
  await put('minutely', { everyMs: 60_000 })
  await ask('DELETE', '/v1/topics/orders')
  clock.nowMs += 60_000
  await stepSchedules(ports)
  const { body } = await ask('GET', '/v1/schedules/minutely')
  expect(body).toMatchObject({ failed: 1, fired: 0, code: 'topic_not_found', state: 'active' })
})

test('two services, one killed with -9 and Redis killed too: every due time is published exactly once', async () => {
  const app = await startApp({ log, ...agendasInRedis(redis) })
  await app.ask('PUT', '/v1/topics/orders', { body: {} })
  const main = new URL('../main.ts', import.meta.url).pathname
  const env = { REDIS_URL: server.url, PORT: '0', UPKEEP_EVERY_MS: '50', KEY_PEPPER: 'a-pepper-for-tests-only' }
  const spawn = () =>
    Bun.spawn([process.execPath, main], { env: { ...Bun.env, ...env }, stdout: 'ignore', stderr: 'ignore' })
  const two = [spawn(), spawn()]
  try {
    const times = async () => {
      const { entries } = await log.read(
        { tenant: 'acme', topic: 'orders' },
        { from: { at: 'earliest' }, limit: 1_000 },
      )
      return entries.map(({ event }) => (JSON.parse(event.attributesJson) as { time: string }).time)
    }
    const reach = async (count: number) => {
      while ((await times().catch(() => [])).length < count) await pause(50)
    }
    expect(
      (await app.ask('PUT', '/v1/schedules/secondly', { body: { topic: 'orders', event, everyMs: 1_000 } })).status,
    ).toBe(201)
    await reach(2)
    two[0]?.kill('SIGKILL')
    await reach(4)
    await server.kill9()
    await server.restart()
    await reach(6)
    const seen = (await times()).map((time) => Date.parse(time))
    expect(new Set(seen).size).toBe(seen.length)
    const steps = seen.slice(1).map((ms, n) => ms - (seen[n] ?? 0))
    expect(new Set(steps)).toEqual(new Set([1_000]))
  } finally {
    for (const child of two) child.kill('SIGKILL')
  }
}, 60_000)
