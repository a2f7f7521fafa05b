import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { base62Random } from '@santaclaude/kit/ids'
import type { Agenda } from './port.ts'

/** What every agenda promises; `open` gives two replicas' views of one. */
export function agendaConformance(
  name: string,
  open: () => Promise<{ two: [Agenda, Agenda]; close(): Promise<void> }>,
) {
  describe(`agenda: ${name}`, () => {
    let agenda: Agenda
    let other: Agenda
    let close: () => Promise<void>
    beforeAll(async () => {
      const opened = await open()
      ;[agenda, other] = opened.two
      close = opened.close
    })
    afterAll(() => close())
    const fresh = () => ({ tenant: `t${base62Random(6)}`, id: 'a', body: '{"n":1}', dueMs: null })

    test('what is put is read by every replica, and versions grow', async () => {
      const wish = fresh()
      expect(await agenda.put(wish)).toBe(1)
      expect(await other.get(wish.tenant, 'a')).toMatchObject({ body: '{"n":1}', version: 1 })
      expect(await other.put({ ...wish, body: '{"n":2}' })).toBe(2)
      expect(await agenda.get(wish.tenant, 'a')).toMatchObject({ body: '{"n":2}', version: 2 })
      expect(await agenda.get('nobody', 'a')).toBeUndefined()
    })

    test('a write whose terms do not hold writes nothing', async () => {
      const wish = fresh()
      expect(await agenda.put(wish, { version: 1 })).toBeUndefined()
      expect(await agenda.put(wish, { version: 0 })).toBe(1)
      expect(await agenda.put({ ...wish, body: '{}' }, { version: 0 })).toBeUndefined()
      expect(await agenda.get(wish.tenant, 'a')).toMatchObject({ body: '{"n":1}' })
    })

    test('items of a tenant are listed by id, page by page', async () => {
      const wish = fresh()
      for (const id of ['b', 'c', 'a']) await agenda.put({ ...wish, id })
      const ids = async (after?: string) =>
        (await agenda.list(wish.tenant, { limit: 2, ...(after ? { after } : {}) })).map(({ id }) => id)
      expect(await ids()).toEqual(['a', 'b'])
      expect(await ids('b')).toEqual(['c'])
      expect(await agenda.delete(wish.tenant, 'b')).toBe(true)
      expect(await agenda.delete(wish.tenant, 'b')).toBe(false)
      expect(await ids()).toEqual(['a', 'c'])
    })

    test('what is due is found, the most overdue first; what is not, or no longer, is not', async () => {
      const wish = fresh()
      const nowMs = await agenda.now()
      await agenda.put({ ...wish, id: 'late', dueMs: nowMs - 5_000 })
      await agenda.put({ ...wish, id: 'later', dueMs: nowMs - 60_000 })
      await agenda.put({ ...wish, id: 'soon', dueMs: nowMs + 600_000 })
      const ids = async () => (await other.due(100)).filter(({ tenant }) => tenant === wish.tenant).map(({ id }) => id)
      expect(await ids()).toEqual(['later', 'late'])
      await agenda.put({ ...wish, id: 'later', dueMs: null })
      await agenda.delete(wish.tenant, 'late')
      expect(await ids()).toEqual([])
    })

    test('one replica owns it; the next owner has a higher fence, and the one before writes nothing more', async () => {
      const wish = fresh()
      const fence = await agenda.own(50)
      expect(fence).toBeGreaterThan(0)
      expect(await other.own(50)).toBe(0)
      expect(await agenda.own(50)).toBe(fence)
      let next = 0
      while (next === 0) {
        await pause(5)
        next = await other.own(60_000)
      }
      expect(next).toBeGreaterThan(fence)
      expect(await agenda.put(wish, { fence })).toBeUndefined()
      expect(await other.put(wish, { fence: next })).toBe(1)
    })
  })
}
