import { afterEach, expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import { Fault, type FaultCode } from '@santaclaude/service/faults'
import { memoryDriver } from '../driver/memory.ts'
import { Pool } from './pool.ts'
import type { EndReason } from './session.ts'
import { defaultPoolSettings, type PoolSettings } from './settings.ts'

const deadlineMs = 2_000
const open: Pool[] = []
afterEach(async () => {
  for (const pool of open.splice(0)) await pool.close()
})

function make(settings: Partial<PoolSettings> = {}) {
  const driver = memoryDriver()
  const clock = new ManualClock()
  const endings: EndReason[] = []
  const pool = new Pool({
    driver,
    clock,
    settings: { ...defaultPoolSettings, pingDeadlineMs: 60, closeDeadlineMs: 60, ...settings },
    events: { onSessionEnded: (_, reason) => endings.push(reason) },
  })
  open.push(pool)
  const living = () => driver.browsers.filter(({ isGone }) => !isGone)
  return { pool, driver, clock, endings, living }
}

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<FaultCode | 'nothing'> {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'nothing'
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

test('sessions of one tenant share a browser until it is full; two tenants never do', async () => {
  const { pool, living } = make({ sessionsPerBrowserMax: 2 })
  const [a1, a2, a3, b] = [
    await pool.open('a', {}),
    await pool.open('a', {}),
    await pool.open('a', {}),
    await pool.open('b', {}),
  ]
  expect(a1.place.slot).toBe(a2.place.slot)
  expect(a3.place.slot).not.toBe(a1.place.slot)
  expect(b.place.slot).not.toBe(a3.place.slot)
  expect(living()).toHaveLength(3)
})

test('a session is there for its tenant only', async () => {
  const { pool } = make()
  const session = await pool.open('a', {})
  expect(pool.session('a', session.id)).toBe(session)
  expect(pool.of('b')).toEqual([])
  expect(await codeOf(() => pool.session('b', session.id))).toBe('session_not_found')
  await pool.end(session, 'closed')
  expect(await codeOf(() => pool.session('a', session.id))).toBe('session_ended')
  expect(await codeOf(() => pool.session('b', session.id))).toBe('session_not_found')
})

test('a browser that another tenant left is ended, never handed on', async () => {
  const { pool, driver, living } = make({ browsersMax: 1 })
  await pool.end(await pool.open('a', {}), 'closed')
  expect(living()).toHaveLength(1)
  await pool.open('b', {})
  expect(driver.browsers).toHaveLength(2)
  await until(() => driver.browsers[0]?.isGone === true)
})

test('when every place is taken the next one waits for the first that is free', async () => {
  const { pool } = make({ browsersMax: 1, sessionsPerBrowserMax: 1 })
  const first = await pool.open('a', {})
  const second = pool.open('b', {})
  const third = pool.open('a', {})
  await until(() => pool.stats.waiting === 2)
  await pool.end(first, 'closed')
  const served = await second
  expect(pool.stats.waiting).toBe(1)
  await pool.end(served, 'closed')
  expect((await third).tenant).toBe('a')
})

test('a full line, a wait over its deadline and a tenant over its limit each get their own answer', async () => {
  const { pool } = make({ browsersMax: 1, sessionsPerBrowserMax: 1, queueMax: 1, sessionsPerTenantMax: 2 })
  await pool.open('a', {})
  const waiting = pool.open('b', {}, { waitMs: 50 })
  const refused = await pool.open('c', {}).catch((error: Fault) => error)
  expect(refused).toMatchObject({ code: 'pool_busy', kind: { status: 503 }, options: { retryAfterMs: 5_000 } })
  expect(await codeOf(waiting)).toBe('pool_busy')
  const queued = pool.open('a', {}, { waitMs: 50 })
  const over = await pool.open('a', {}).catch((error: Fault) => error)
  expect(over).toMatchObject({ code: 'session_limit', kind: { status: 429 }, options: { retryAfterMs: 5_000 } })
  expect(await codeOf(queued)).toBe('pool_busy')
  expect(pool.stats.waiting).toBe(0)
})

test('a caller who goes away leaves the line', async () => {
  const { pool } = make({ browsersMax: 1, sessionsPerBrowserMax: 1 })
  await pool.open('a', {})
  const caller = new AbortController()
  const waiting = codeOf(pool.open('b', {}, { signal: caller.signal }))
  await until(() => pool.stats.waiting === 1)
  caller.abort()
  expect(await waiting).toBe('pool_busy')
  expect(pool.stats.waiting).toBe(0)
})

test('a browser that dies ends its sessions with browser_crashed and is replaced', async () => {
  const { pool, driver, endings, living } = make()
  const session = await pool.open('a', {})
  const { id } = await session.openPage(deadlineMs)
  driver.browsers[0]?.crash()
  await until(() => living().length === 1)
  expect(endings).toEqual(['browser_crashed'])
  expect(await codeOf(() => pool.session('a', session.id))).toBe('browser_crashed')
  expect(await codeOf(session.run(id, deadlineMs, (page) => page.title({ deadlineMs })))).toBe('browser_crashed')
  const next = await pool.open('a', {})
  expect(next.place.slot.browser).toBe(living()[0])
})

test('a browser that freezes is noticed by the check, killed and replaced; the others live on', async () => {
  const { pool, driver, living } = make({ sessionsPerBrowserMax: 1 })
  const frozen = await pool.open('a', {})
  const well = await pool.open('a', {})
  driver.browsers[0]?.freeze()
  await pool.check()
  expect(driver.browsers[0]?.isGone).toBe(true)
  expect(frozen.endReason).toBe('browser_crashed')
  expect(well.endReason).toBeUndefined()
  await until(() => living().length === 2)
})

test('a command that runs into a frozen browser has it killed without waiting for the next check', async () => {
  const { pool, driver } = make()
  const session = await pool.open('a', {})
  const { id } = await session.openPage(deadlineMs)
  driver.browsers[0]?.freeze()
  expect(await codeOf(session.run(id, 20, (page) => page.title({ deadlineMs: 20 })))).toBe('deadline_exceeded')
  await until(() => session.endReason === 'browser_crashed')
})

test('a browser that does not start is said to be unavailable, and later ones are tried', async () => {
  const { pool, driver, living } = make()
  driver.isBroken = true
  expect(await codeOf(pool.open('a', {}))).toBe('browser_unavailable')
  expect(pool.launchError).toBeDefined()
  driver.isBroken = false
  await pool.open('a', {})
  expect(pool.launchError).toBeUndefined()
  expect(living().length).toBeGreaterThan(0)
})

test('an unused session ends by its idle time, a used one by its longest life', async () => {
  const { pool, clock, endings } = make({ sessionIdleMs: 1_000, sessionLifeMs: 5_000 })
  const idle = await pool.open('a', {})
  const patient = await pool.open('a', { idleMs: 100_000 })
  clock.advance(999)
  await pool.sweep()
  expect(endings).toEqual([])
  clock.advance(1)
  await pool.sweep()
  expect(idle.endReason).toBe('idle')
  expect(patient.endReason).toBeUndefined()
  clock.advance(4_000)
  await pool.sweep()
  expect(patient.endReason).toBe('expired')
})

test('a session is not idle while a command runs in it', async () => {
  const { pool, clock } = make({ sessionIdleMs: 1_000 })
  const session = await pool.open('a', {})
  const { id } = await session.openPage(deadlineMs)
  const { promise, resolve } = Promise.withResolvers<void>()
  const long = session.run(id, deadlineMs, () => promise)
  clock.advance(5_000)
  await pool.sweep()
  expect(session.endReason).toBeUndefined()
  resolve()
  await long
})

test('a browser without sessions is closed after a while, and one that served its time when it is empty', async () => {
  const { pool, clock, living } = make({ browserIdleMs: 1_000, sessionsPerBrowserLife: 1 })
  await pool.end(await pool.open('a', {}), 'closed')
  await until(() => living().length === 0)
  const second = make({ browserIdleMs: 1_000 })
  await second.pool.end(await second.pool.open('a', {}), 'closed')
  second.clock.advance(1_000)
  await second.pool.sweep()
  expect(second.living()).toEqual([])
  expect(clock.now()).toBeGreaterThan(0)
})

test('pages are limited, popups too, and a closed one makes room', async () => {
  const { pool, driver } = make({ pagesPerSessionMax: 2 })
  const session = await pool.open('a', {})
  const first = await session.openPage(deadlineMs)
  await session.openPage(deadlineMs)
  expect(await codeOf(session.openPage(deadlineMs))).toBe('page_limit')
  await first.driver.close({ deadlineMs })
  await session.openPage(deadlineMs)
  expect(driver.browsers[0]?.pageCount).toBe(2)
})

test('commands take turns on a page; too many of them are refused, not queued without end', async () => {
  const { pool } = make()
  const session = await pool.open('a', {})
  const { id } = await session.openPage(deadlineMs)
  const { promise, resolve } = Promise.withResolvers<void>()
  const order: number[] = []
  const running = Array.from({ length: 9 }, (_, n) =>
    session.run(id, deadlineMs, async () => {
      await promise
      order.push(n)
    }),
  )
  expect(await codeOf(session.run(id, deadlineMs, async () => {}))).toBe('page_busy')
  resolve()
  await Promise.all(running)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})

test('a page that never answers is closed after so many commands', async () => {
  const { pool, driver } = make()
  const session = await pool.open('a', {})
  const { id } = await session.openPage(deadlineMs)
  for (let n = 0; n < 8; n++)
    await codeOf(session.run(id, 5, (page) => page.wait({ for: 'url', contains: 'x' }, { deadlineMs: 5 })))
  expect(await codeOf(session.run(id, deadlineMs, async () => {}))).toBe('page_not_found')
  expect(driver.browsers[0]?.pageCount).toBe(0)
})

test('closing the pool ends sessions with a reason, sends the line away and leaves no browser', async () => {
  const { pool, driver, endings } = make({ browsersMax: 1, sessionsPerBrowserMax: 1 })
  await pool.open('a', {})
  const waiting = codeOf(pool.open('b', {}))
  await until(() => pool.stats.waiting === 1)
  await pool.close()
  expect(await waiting).toBe('draining')
  expect(endings).toEqual(['shutdown'])
  expect(driver.browsers.every(({ isGone }) => isGone)).toBe(true)
  expect(await codeOf(pool.open('a', {}))).toBe('draining')
})
