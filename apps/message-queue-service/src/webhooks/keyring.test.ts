import { expect, test } from 'bun:test'
import { sealer } from '@santaclaude/service/sealing'
import { Webhook } from 'standardwebhooks'
import { keyring } from './keyring.ts'
import { subscription } from './store/subscription.fixture.ts'

const ring = keyring(sealer('pepper', 'test'))
const nowMs = Date.now()
const body = Buffer.from('{}')
const timestampSeconds = Math.floor(nowMs / 1000)

/** Whether what is signed at a time verifies with a secret. */
function verifies(secret: string, of: ReturnType<typeof subscription>, atMs: number): boolean {
  const signature = ring.signer(of, atMs)({ id: 'm', timestampSeconds, body })
  const headers = { 'webhook-id': 'm', 'webhook-timestamp': `${timestampSeconds}`, 'webhook-signature': signature }
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  }
}

test('keys are kept sealed: neither secret can be read from what is stored', () => {
  const { secret, ...kept } = ring.first('a')
  expect(JSON.stringify(kept)).not.toContain(secret.slice(6))
  expect(Buffer.from(kept.sealedKeys, 'base64').toString('latin1')).not.toContain('wh')
  expect(verifies(secret, subscription({ id: 'a', ...kept }), nowMs)).toBe(true)
})

test('keys of one subscription do not sign for another', () => {
  const { sealedKeys } = ring.first('a')
  expect(() => ring.signer(subscription({ id: 'b', sealedKeys }), nowMs)).toThrow()
})

test('after a rotation old and new sign together, then the new one alone', () => {
  const { secret: old, ...first } = ring.first('a')
  const before = subscription({ id: 'a', ...first })
  const { secret, ...next } = ring.rotated(before, { nowMs, untilMs: nowMs + 1_000 })
  const after = subscription({ id: 'a', ...next })
  expect(next.publicKeys).toEqual([
    { key: expect.stringMatching(/^whpk_/), untilMs: null },
    { key: first.publicKeys[0]?.key ?? '', untilMs: nowMs + 1_000 },
  ])
  expect([verifies(old, after, nowMs), verifies(secret, after, nowMs)]).toEqual([true, true])
  expect([verifies(old, after, nowMs + 1_000), verifies(secret, after, nowMs + 1_000)]).toEqual([false, true])
})

test('an overlap of nothing ends the old keys at once', () => {
  const { secret: old, ...first } = ring.first('a')
  const { secret, ...next } = ring.rotated(subscription({ id: 'a', ...first }), { nowMs, untilMs: nowMs })
  const after = subscription({ id: 'a', ...next })
  expect([verifies(old, after, nowMs), verifies(secret, after, nowMs)]).toEqual([false, true])
})

test('however often they are changed, few keys sign at once', () => {
  let { secret: _, ...kept } = ring.first('a')
  for (let n = 0; n < 10; n++)
    kept = ring.rotated(subscription({ id: 'a', ...kept }), { nowMs, untilMs: nowMs + 1_000 })
  expect(kept.publicKeys).toHaveLength(4)
})

test('a rotation mends keys that were sealed under a lost pepper', () => {
  const lost = keyring(sealer('lost', 'test')).first('a')
  const { secret, ...next } = ring.rotated(subscription({ id: 'a', ...lost }), { nowMs, untilMs: nowMs + 1_000 })
  expect(verifies(secret, subscription({ id: 'a', ...next }), nowMs)).toBe(true)
})
