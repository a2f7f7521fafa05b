import { expect, test } from 'bun:test'
import { firingsOf, nextAfter, type Timing, upcoming } from './times.ts'

const at = (text: string) => Date.parse(text)
const iso = (times: (number | null)[]) => times.map((ms) => (ms === null ? null : new Date(ms).toISOString()))
const berlin: Timing = { cron: '30 2 * * *', timezone: 'Europe/Berlin' }

test('a cron line keeps to the clock of its zone across the change of the clocks', () => {
  expect(iso(upcoming(berlin, at('2026-10-24T00:00:00Z'), 3))).toEqual([
    '2026-10-24T00:30:00.000Z',
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
  // 02:30 does not exist on this day: it comes right after the gap, and only once.
  expect(iso(upcoming(berlin, at('2026-03-28T12:00:00Z'), 2))).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
})

test('every so often is counted from its start, however late one asks', () => {
  const timing: Timing = { everyMs: 10_000, startMs: 1_000 }
  expect(upcoming(timing, 1_000, 3)).toEqual([11_000, 21_000, 31_000])
  expect(nextAfter(timing, 25_000)).toBe(31_000)
  expect(nextAfter(timing, 31_000)).toBe(41_000)
})

test('once is once', () => {
  const timing: Timing = { at: '2026-01-01T00:00:00Z' }
  expect(iso([nextAfter(timing, 0)])).toEqual(['2026-01-01T00:00:00.000Z'])
  expect(nextAfter(timing, at('2026-01-01T00:00:00Z'))).toBeNull()
})

for (const [cron, timezone] of [
  ['nonsense', 'UTC'],
  ['* * * *', 'UTC'],
  ['61 * * * *', 'UTC'],
  ['0 0 * * *', 'Mars/Phobos'],
] as const)
  test(`'${cron}' in ${timezone} is refused`, () => {
    expect(() => nextAfter({ cron, timezone }, 0)).toThrow(expect.objectContaining({ code: 'invalid_schedule' }))
  })

const minutely: Timing = { everyMs: 60_000, startMs: 0 }
const hour = 3_600_000

test('a firing that is due is fired, whatever is said of missed ones', () => {
  for (const missed of ['skip', 'one', 'all'] as const)
    expect(firingsOf({ timing: minutely, missed }, { dueMs: hour, nowMs: hour + 100 })).toEqual({
      fire: [hour],
      skipped: 0,
      nextMs: hour + 60_000,
    })
})

test('missed firings: none, one for all, or each up to a bound', () => {
  const timing: Timing = { everyMs: hour, startMs: 0 }
  const nowMs = 200 * hour + 120_000
  const told = (missed: 'skip' | 'one' | 'all') => firingsOf({ timing, missed }, { dueMs: hour, nowMs })
  expect(told('skip')).toMatchObject({ fire: [], skipped: 200, nextMs: 201 * hour })
  expect(told('one')).toMatchObject({ fire: [200 * hour], skipped: 199 })
  expect(told('all')).toMatchObject({ skipped: 100, nextMs: 201 * hour })
  expect(told('all').fire).toHaveLength(100)
  expect(told('all').fire.at(-1)).toBe(200 * hour)
})
