import { expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { authenticator } from './auth.ts'
import { Fault } from './faults.ts'
import { hashSecret, type Keys, makeKey, parseKey, type StoredKey } from './keys.ts'
import { keysInMemory } from './keys-memory.ts'

const clock = new ManualClock()
const bearer = (text: string) => new Headers({ authorization: `Bearer ${text}` })

async function issued(change: Partial<StoredKey> = {}) {
  const keys = keysInMemory()
  const { id, secret, text } = makeKey()
  const hash = hashSecret('p', secret)
  const key: StoredKey = {
    id,
    tenant: 'acme',
    name: 'k',
    scopes: [],
    limits: {},
    secrets: [{ hash }],
    createdAtMs: 0,
    ...change,
  }
  await keys.put(key)
  return { keys, key, text, hash }
}

const refused = async (attempt: () => unknown) => {
  try {
    await attempt()
  } catch (error) {
    return error instanceof Fault ? error.code : String(error)
  }
  return 'let in'
}

test('a key text has the form secret scanners look for', () => {
  const { text, id, secret } = makeKey()
  expect(text).toMatch(/^sc_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/)
  expect(parseKey(text)).toEqual({ id, secret })
  expect(parseKey(`${text}x`)).toBeUndefined()
})

test('a revoked key stops working within ten seconds', async () => {
  const { keys, key, text } = await issued()
  const auth = authenticator({ keys, pepper: 'p', clock })
  await auth.verify(bearer(text))
  await keys.put({ ...key, revokedAtMs: clock.now() })
  clock.advance(10_001)
  expect(await refused(() => auth.verify(bearer(text)))).toBe('unauthenticated')
})

test('a key seen within ten seconds works while the store is away, and no longer', async () => {
  const { keys, text } = await issued()
  let isAway = false
  const store: Keys = { ...keys, find: (id) => (isAway ? Promise.reject(new Error('gone')) : keys.find(id)) }
  const auth = authenticator({ keys: store, pepper: 'p', clock })
  await auth.verify(bearer(text))
  isAway = true
  clock.advance(9_999)
  expect(await refused(() => auth.verify(bearer(text)))).toBe('let in')
  clock.advance(2)
  expect(await refused(() => auth.verify(bearer(text)))).toBe('store_unavailable')
})

test('a rotated key takes both secrets until the overlap ends', async () => {
  const { keys, key, text, hash } = await issued()
  const next = makeKey()
  const newHash = hashSecret('p', next.secret)
  await keys.put({ ...key, secrets: [{ hash: newHash }, { hash, expiresAtMs: clock.now() + 5_000 }] })
  const auth = authenticator({ keys, pepper: 'p', clock })
  const newText = `sc_${key.id}_${next.secret}`
  expect([await refused(() => auth.verify(bearer(text))), await refused(() => auth.verify(bearer(newText)))]).toEqual([
    'let in',
    'let in',
  ])
  clock.advance(5_001)
  expect([await refused(() => auth.verify(bearer(text))), await refused(() => auth.verify(bearer(newText)))]).toEqual([
    'unauthenticated',
    'let in',
  ])
})

test('a key that expires while it is remembered stops at once', async () => {
  const { keys, text } = await issued({ expiresAtMs: clock.now() + 1_000 })
  const auth = authenticator({ keys, pepper: 'p', clock })
  await auth.verify(bearer(text))
  clock.advance(1_001)
  expect(await refused(() => auth.verify(bearer(text)))).toBe('unauthenticated')
})

test('another pepper knows no key', async () => {
  const { keys, text } = await issued()
  expect(await refused(() => authenticator({ keys, pepper: 'q', clock }).verify(bearer(text)))).toBe('unauthenticated')
})

test('x-api-key works like Authorization', async () => {
  const { keys, text } = await issued()
  const caller = await authenticator({ keys, pepper: 'p', clock }).verify(new Headers({ 'x-api-key': text }))
  expect(caller.tenant).toBe('acme')
})
