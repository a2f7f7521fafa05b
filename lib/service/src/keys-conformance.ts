import { describe, expect, test } from 'bun:test'
import type { Keys, StoredKey } from './keys.ts'

/** What every adapter of {@link Keys} promises. */
export function keysConformance(name: string, open: () => Keys | Promise<Keys>) {
  const key = (over: Partial<StoredKey> = {}): StoredKey => ({
    id: 'abcdefghijkl',
    tenant: 'acme',
    name: 'one',
    scopes: ['ai:invoke'],
    limits: {},
    secrets: [{ hash: 'ab'.repeat(32) }],
    createdAtMs: 1,
    ...over,
  })

  describe(`${name}, as a place for keys`, () => {
    test('a key comes back as it was put, and an unknown one does not', async () => {
      const keys = await open()
      const full = key({ limits: { requestsPerMinute: 5 }, expiresAtMs: 9, revokedAtMs: 8, scopes: [] })
      await keys.put(full)
      expect(await keys.find(full.id)).toEqual(full)
      expect(await keys.find('unknownunkno')).toBeUndefined()
    })

    test('a key put again is changed, not doubled', async () => {
      const keys = await open()
      await keys.put(key())
      await keys.put(key({ name: 'two' }))
      expect((await keys.list('acme')).map((one) => one.name)).toEqual(['two'])
    })

    test('a tenant sees its own keys only, newest first', async () => {
      const keys = await open()
      await keys.put(key({ id: 'a'.repeat(12), createdAtMs: 1 }))
      await keys.put(key({ id: 'b'.repeat(12), createdAtMs: 3 }))
      await keys.put(key({ id: 'c'.repeat(12), createdAtMs: 2 }))
      await keys.put(key({ id: 'd'.repeat(12), tenant: 'other' }))
      expect((await keys.list('acme')).map(({ id }) => id[0])).toEqual(['b', 'c', 'a'])
      expect(await keys.list('nobody')).toEqual([])
    })

    test('a replacement happens only while the key is what was read', async () => {
      const keys = await open()
      await keys.put(key())
      const read = (await keys.find(key().id)) as StoredKey
      expect(await keys.replace(read, { ...read, revokedAtMs: 5 })).toBe(true)
      expect(await keys.replace(read, { ...read, name: 'back to life' })).toBe(false)
      expect(await keys.find(read.id)).toEqual(key({ revokedAtMs: 5 }))
      expect(await keys.replace(key({ id: 'z'.repeat(12) }), key({ id: 'z'.repeat(12) }))).toBe(false)
    })
  })
}
