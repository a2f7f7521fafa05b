import { expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { Elysia } from 'elysia'
import { chassis } from './chassis.ts'
import { Fault } from './faults.ts'
import { idempotencyInMemory } from './idempotency-memory.ts'
import { KeyRates } from './key-rate.ts'
import { hashSecret, makeKey } from './keys.ts'
import { keysInMemory } from './keys-memory.ts'
import { room } from './room.ts'

const caller = (keyId: string, requestsPerMinute?: number) => ({
  keyId,
  limits: requestsPerMinute === undefined ? {} : { requestsPerMinute },
})

function spend(rates: KeyRates, ...given: Parameters<typeof caller>) {
  try {
    return rates.spend(caller(...given))?.remaining ?? 'no limit'
  } catch (error) {
    return error instanceof Fault ? { code: error.code, ...error.options } : error
  }
}

test('a key may send its minute at once, then one whenever a token came back', () => {
  const clock = new ManualClock()
  const rates = new KeyRates(clock)
  expect([spend(rates, 'a', 3), spend(rates, 'a', 3), spend(rates, 'a', 3)]).toEqual([2, 1, 0])
  expect(spend(rates, 'a', 3)).toMatchObject({ code: 'rate_limited', retryAfterMs: 20_000 })
  clock.advance(19_999)
  expect(spend(rates, 'a', 3)).toMatchObject({ code: 'rate_limited' })
  clock.advance(1)
  expect(spend(rates, 'a', 3)).toBe(0)
  clock.advance(3_600_000)
  expect(spend(rates, 'a', 3)).toBe(2)
})

test('one key does not use up another, and a key without a limit has none', () => {
  const rates = new KeyRates(new ManualClock())
  expect([spend(rates, 'a', 1), spend(rates, 'b', 1)]).toEqual([0, 0])
  for (let n = 0; n < 100; n++) expect(spend(rates, 'free')).toBe('no limit')
})

async function limited(admit?: () => void) {
  const keys = keysInMemory()
  const { id, secret, text } = makeKey()
  await keys.put({
    ...{ id, tenant: 'acme', name: 'k', scopes: ['audit:read'], createdAtMs: 0, limits: { requestsPerMinute: 2 } },
    secrets: [{ hash: hashSecret('test-pepper', secret) }],
  })
  const app = new Elysia()
    .use(
      chassis({
        ...{ name: 'x', keys, idempotency: idempotencyInMemory(), ready: {} },
        clock: new ManualClock(),
        ...(admit ? { admit } : {}),
      }),
    )
    .use(room('/v1/things').get('', () => ({}), { scope: 'audit:read', detail: { summary: 'Things' } }))
  return (path = '/v1/things') =>
    app.handle(new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${text}` } }))
}

test('a service tells what is left, and refuses the request that is too many in words', async () => {
  const ask = await limited()
  expect((await ask()).headers.get('ratelimit-remaining')).toBe('1')
  expect((await ask('/v1/nowhere')).headers.get('ratelimit-remaining')).toBe('0')
  const refused = await ask()
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true })
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    ...{ 'retry-after': '30', 'ratelimit-limit': '2', 'ratelimit-remaining': '0', 'ratelimit-reset': '60' },
  })
  expect((await ask('/health')).status).toBe(200)
})

test('an app may refuse a caller before the body is read', async () => {
  const ask = await limited(() => {
    throw new Fault('quota_exceeded')
  })
  expect((await ask()).status).toBe(429)
})
