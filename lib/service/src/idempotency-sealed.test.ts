import { expect, test } from 'bun:test'
import type { Idempotency, KeptAnswer } from './idempotency.ts'
import { idempotencyInMemory } from './idempotency-memory.ts'
import { sealed } from './idempotency-sealed.ts'

const answer = { status: 201, contentType: 'application/json', body: '{"secret":"sc_abc_déf"}' }

function spied() {
  const store = idempotencyInMemory()
  const kept: KeptAnswer[] = []
  const spy: Idempotency = {
    ...store,
    keep: (key, fingerprint, given) => {
      kept.push(given)
      return store.keep(key, fingerprint, given)
    },
  }
  return { spy, kept }
}

test('a kept answer comes back whole, and the store never sees its body', async () => {
  const { spy, kept } = spied()
  const idempotency = sealed(spy, 'pepper')
  await idempotency.claim('k', 'f')
  await idempotency.keep('k', 'f', answer)
  expect(await idempotency.claim('k', 'f')).toEqual({ state: 'done', answer })
  expect(kept[0]?.body).not.toContain('secret')
  expect(Buffer.from(kept[0]?.body ?? '', 'base64').toString()).not.toContain('secret')
})

test('an answer sealed under another pepper, or moved to another key, is not shown', async () => {
  const { spy, kept } = spied()
  await spy.claim('k', 'f')
  await sealed(spy, 'pepper').keep('k', 'f', answer)
  expect(await sealed(spy, 'other').claim('k', 'f')).toEqual({ state: 'conflict' })
  await spy.claim('k2', 'f')
  await spy.keep('k2', 'f', kept[0] as KeptAnswer)
  expect(await sealed(spy, 'pepper').claim('k2', 'f')).toEqual({ state: 'conflict' })
})

test('a store that is away is a store_unavailable', async () => {
  const away: Idempotency = {
    claim: () => Promise.reject(new Error('gone')),
    keep: () => Promise.reject(new Error('gone')),
    release: () => Promise.reject(new Error('gone')),
  }
  expect(
    await sealed(away, 'pepper')
      .claim('k', 'f')
      .catch((fault) => fault.code),
  ).toBe('store_unavailable')
})
