import { describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import type { Directory } from './port.ts'

export function directoryConformance(name: string, open: () => Directory): void {
  describe(`directory: ${name}`, () => {
    const ttlMs = 60_000

    test('a listed session is found by its tenant, until it is removed', async () => {
      const directory = open()
      await directory.list([{ tenant: 'a', id: 's1', replica: 'r1' }], { ttlMs })
      expect(await directory.find('a', 's1')).toBe('r1')
      await directory.remove('a', 's1')
      expect(await directory.find('a', 's1')).toBeUndefined()
    })

    test('a session is not found by another tenant, nor by names that only look alike', async () => {
      const directory = open()
      await directory.list([{ tenant: 'a', id: 'b:s2', replica: 'r1' }], { ttlMs })
      expect(await directory.find('b', 'b:s2')).toBeUndefined()
      expect(await directory.find('a:b', 's2')).toBeUndefined()
    })

    test('listing again renews the time and may name another replica', async () => {
      const directory = open()
      const brief = ['s3', 'unrenewed'].map((id) => ({ tenant: 'a', id, replica: 'r1' }))
      await directory.list(brief, { ttlMs: 50 })
      await directory.list([{ tenant: 'a', id: 's3', replica: 'r2' }], { ttlMs })
      while ((await directory.find('a', 'unrenewed')) !== undefined) await pause(5)
      expect(await directory.find('a', 's3')).toBe('r2')
    })

    test('a listing that is not renewed lapses', async () => {
      const directory = open()
      await directory.list([{ tenant: 'a', id: 's4', replica: 'r1' }], { ttlMs: 20 })
      while ((await directory.find('a', 's4')) !== undefined) await pause(5)
    })

    test('many are listed at once, and none is no mistake', async () => {
      const directory = open()
      await directory.list([], { ttlMs })
      const listings = Array.from({ length: 50 }, (_, n) => ({ tenant: 'a', id: `m${n}`, replica: 'r1' }))
      await directory.list(listings, { ttlMs })
      expect(await directory.find('a', 'm49')).toBe('r1')
    })
  })
}
