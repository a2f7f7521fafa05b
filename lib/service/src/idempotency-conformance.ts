import { describe, expect, test } from 'bun:test'
import type { Idempotency } from './idempotency.ts'

/** What every place for kept answers must do. `open` answers an empty one. */
export function idempotencyConformance(adapter: string, open: () => Promise<Idempotency>) {
  const answer = { status: 201, contentType: 'application/json', body: '{"id":"ü"}' }

  describe(`idempotency ${adapter}`, () => {
    test('the first claim is new, a second one meanwhile finds it running', async () => {
      const kept = await open()
      expect(await kept.claim('a', 'f')).toEqual({ state: 'new' })
      expect(await kept.claim('a', 'f')).toEqual({ state: 'running' })
    })

    test('of many claims at once exactly one is new', async () => {
      const kept = await open()
      const claims = await Promise.all(Array.from({ length: 50 }, () => kept.claim('b', 'f')))
      expect(claims.filter(({ state }) => state === 'new')).toHaveLength(1)
    })

    test('a kept answer comes back as it was', async () => {
      const kept = await open()
      await kept.claim('c', 'f')
      await kept.keep('c', 'f', answer)
      expect(await kept.claim('c', 'f')).toEqual({ state: 'done', answer })
    })

    test('another request under the same key is a conflict, before and after the answer', async () => {
      const kept = await open()
      await kept.claim('d', 'f')
      expect(await kept.claim('d', 'g')).toEqual({ state: 'conflict' })
      await kept.keep('d', 'f', answer)
      expect(await kept.claim('d', 'g')).toEqual({ state: 'conflict' })
    })

    test('a released claim can be claimed again', async () => {
      const kept = await open()
      await kept.claim('e', 'f')
      await kept.release('e')
      expect(await kept.claim('e', 'f')).toEqual({ state: 'new' })
    })
  })
}
