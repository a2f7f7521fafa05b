import { describe, expect, test } from 'bun:test'
import { defaultRetryMs, fateOf, type Outcome, retryAfterMs } from './schedule.ts'

const nowMs = Date.parse('2026-11-23T12:00:00Z')
const fate = (outcome: Outcome, attempt = 1, random = () => 0) =>
  fateOf(outcome, { attempt, retryMs: defaultRetryMs, nowMs, random })

describe('the fate of a message', () => {
  test.each([200, 201, 202, 204, 299])('%d delivers it', (status) => {
    expect(fate({ status })).toEqual({ fate: 'delivered' })
  })
  test.each([100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 404, 409, 418, 500])(
    '%d has it tried again',
    (status) => {
      expect(fate({ status })).toEqual({ fate: 'again', delayMs: 5_000, holdMs: 0 })
    },
  )
  test('410 says that the endpoint is gone, at any attempt', () => {
    expect(fate({ status: 410 })).toEqual({ fate: 'gone' })
    expect(fate({ status: 410 }, 8)).toEqual({ fate: 'gone' })
  })
  test('attempts follow the schedule, and after the last one it is dead', () => {
    const delays = defaultRetryMs.map((_, n) => fate({ failure: 'timed_out' }, n + 1))
    expect(delays).toEqual(defaultRetryMs.map((delayMs) => ({ fate: 'again', delayMs, holdMs: 0 })))
    expect(fate({ failure: 'timed_out' }, 8)).toEqual({ fate: 'dead', holdMs: 0 })
  })
  test('jitter only ever adds, up to a fifth', () => {
    expect(fate({ status: 500 }, 2, () => 1)).toMatchObject({ delayMs: 360_000 })
    expect(fate({ status: 500 }, 2, () => 0.5)).toMatchObject({ delayMs: 330_000 })
  })
  test('an empty schedule is one attempt', () => {
    expect(fateOf({ status: 500 }, { attempt: 1, retryMs: [], nowMs })).toEqual({ fate: 'dead', holdMs: 0 })
  })
  test('429 and 503 hold the endpoint for as long as they ask, and the message at least as long', () => {
    for (const status of [429, 502, 503, 504])
      expect(fate({ status, retryAfter: '60' })).toEqual({ fate: 'again', delayMs: 60_000, holdMs: 60_000 })
    expect(fate({ status: 503, retryAfter: '60' }, 2)).toEqual({ fate: 'again', delayMs: 300_000, holdMs: 60_000 })
    expect(fate({ status: 429 })).toEqual({ fate: 'again', delayMs: 5_000, holdMs: 5_000 })
    expect(fate({ status: 503 })).toEqual({ fate: 'again', delayMs: 5_000, holdMs: 0 })
    expect(fate({ status: 429, retryAfter: '60' }, 8)).toEqual({ fate: 'dead', holdMs: 60_000 })
  })
  test('a Retry-After of any other failure delays that message alone', () => {
    expect(fate({ status: 500, retryAfter: '60' })).toEqual({ fate: 'again', delayMs: 60_000, holdMs: 0 })
  })
})

test.each([
  ['120', 120_000],
  [' 7 ', 7_000],
  ['999999999', 86_400_000],
  ['Mon, 23 Nov 2026 12:01:00 GMT', 60_000],
  ['Mon, 30 Nov 2099 12:01:00 GMT', 86_400_000],
  ['Mon, 23 Nov 2026 11:59:00 GMT', undefined],
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2027', 2_027_000],
  ['Infinity', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %p asks for %p ms', (header, ms) => {
  expect(retryAfterMs(header, nowMs)).toBe(ms)
})
