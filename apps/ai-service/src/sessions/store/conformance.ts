import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { NewSession, SessionMessage, SessionStore, StoreLimits } from './port.ts'

export const limits: StoreLimits = { ttlSeconds: 600, sessionsMax: 5, messagesMax: 4, bytesMax: 2_000 }

/** What every session store does. It is opened with {@link limits}. */
export function sessionStoreConformance(
  name: string,
  open: () => Promise<{ store: SessionStore; close(): Promise<void> }>,
) {
  describe(`the session store ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let store: SessionStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })
    afterAll(() => opened.close())

    const made = (tenant: string): NewSession => ({
      tenant,
      id: uuidv7(),
      title: 'Kettles',
      model: null,
      instructions: 'Be brief.',
      tools: [],
      metadata: { card: '7' },
      createdAtMs: 1_780_000_000_000,
    })
    const message = (turnId: string, content: string): SessionMessage => ({
      id: uuidv7(),
      turnId,
      createdAtMs: 1_780_000_000_001,
      role: 'user',
      content,
    })
    const usage = { promptTokens: 3, completionTokens: 2, cachedTokens: 0 }
    const created = async (tenant: string) => {
      const session = made(tenant)
      expect(await store.create(session)).toBe(true)
      return session
    }

    test('gives a session back as it was made, to its own tenant only', async () => {
      const session = await created('a')
      const counts = { updatedAtMs: session.createdAtMs, messages: 0, bytes: 0, promptTokens: 0, completionTokens: 0 }
      expect(await store.find(session)).toEqual({ ...session, ...counts })
      expect(await store.find({ ...session, tenant: 'b' })).toBeUndefined()
      expect(await store.find({ ...session, tenant: 'a}:{b' })).toBeUndefined()
    })

    test('lists newest first in pages, and refuses one too many', async () => {
      const ids: string[] = []
      for (let count = 0; count < limits.sessionsMax; count++) ids.unshift((await created('pages')).id)
      expect(await store.create(made('pages'))).toBe(false)
      const first = await store.list('pages', { limit: 2 })
      const second = await store.list('pages', { limit: 9, before: first[1]?.id })
      expect([...first, ...second].map(({ id }) => id)).toEqual(ids)
      await store.delete({ tenant: 'pages', id: ids[2] ?? '' })
      expect((await store.list('pages', { limit: 9 })).map(({ id }) => id)).toEqual(ids.filter((_, at) => at !== 2))
      expect(await store.create(made('pages'))).toBe(true)
    })

    test('lets one turn at a time hold a session, and only the holder commit', async () => {
      const session = await created('turns')
      expect(await store.commit(session, { turnId: 't1', messages: [message('t1', 'x')], usage, nowMs: 5 })).toBe(
        'lost',
      )
      expect(await store.lease(session, 't1', 60_000)).toBe(true)
      expect(await store.lease(session, 't1', 60_000)).toBe(true)
      expect(await store.lease(session, 't2', 60_000)).toBe(false)
      expect(await store.holder(session)).toBe('t1')
      expect(await store.commit(session, { turnId: 't2', messages: [message('t2', 'x')], usage, nowMs: 5 })).toBe(
        'lost',
      )
      const own = [message('t1', 'one 東京'), message('t1', 'two')]
      expect(await store.commit(session, { turnId: 't1', messages: own, usage, nowMs: 5 })).toBe('done')
      await store.release(session, 't2')
      expect(await store.holder(session)).toBe('t1')
      await store.release(session, 't1')
      expect(await store.holder(session)).toBeUndefined()
      expect(await store.messages(session, { limit: 9, after: 0 })).toEqual(own)
      expect(await store.messages(session, { limit: 9, after: 1 })).toEqual(own.slice(1))
      const bytes = new TextEncoder().encode(own.map((one) => JSON.stringify(one)).join('')).byteLength
      const counts = { messages: 2, bytes, promptTokens: 3, completionTokens: 2, updatedAtMs: 5 }
      expect(await store.find(session)).toMatchObject(counts)
    })

    test('gives the lease to another when it ran out', async () => {
      const session = await created('leases')
      expect(await store.lease(session, 't1', 1)).toBe(true)
      while (!(await store.lease(session, 't2', 60_000)));
      expect(await store.commit(session, { turnId: 't1', messages: [message('t1', 'late')], usage, nowMs: 5 })).toBe(
        'lost',
      )
    })

    test('takes all of a turn or nothing of it', async () => {
      const session = await created('full')
      await store.lease(session, 't1', 60_000)
      const many = Array.from({ length: limits.messagesMax + 1 }, () => message('t1', 'x'))
      expect(await store.commit(session, { turnId: 't1', messages: many, usage, nowMs: 5 })).toBe('full')
      const large = [message('t1', 'x'.repeat(limits.bytesMax))]
      expect(await store.commit(session, { turnId: 't1', messages: large, usage, nowMs: 5 })).toBe('full')
      expect(await store.messages(session, { limit: 9, after: 0 })).toEqual([])
    })

    test('a deleted session is gone with its messages, and its turn cannot commit', async () => {
      const session = await created('deleted')
      await store.lease(session, 't1', 60_000)
      expect(await store.delete({ ...session, tenant: 'other' })).toBe(false)
      expect(await store.delete(session)).toBe(true)
      expect(await store.delete(session)).toBe(false)
      expect(await store.find(session)).toBeUndefined()
      expect(await store.lease(session, 't1', 60_000)).toBe(false)
      expect(await store.commit(session, { turnId: 't1', messages: [message('t1', 'x')], usage, nowMs: 5 })).toBe(
        'lost',
      )
    })

    test('keeps the events of a turn in order', async () => {
      const session = await created('events')
      const event = (seq: number) => ({ seq, event: 'text.delta', data: { text: `${seq}` } })
      await store.addEvents(session, 't1', [event(1), event(2)])
      await store.addEvents(session, 't1', [])
      await store.addEvents(session, 't1', [event(3)])
      expect(await store.events(session, 't1', 1)).toEqual([event(2), event(3)])
      expect(await store.events(session, 't2', 0)).toEqual([])
      expect(await store.events({ ...session, tenant: 'other' }, 't1', 0)).toEqual([])
    })
  })
}
