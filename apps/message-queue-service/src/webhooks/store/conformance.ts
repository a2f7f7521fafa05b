import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { base62Random, uuidv7 } from '@santaclaude/kit/ids'
import { closedCircuit } from '../breaker.ts'
import type { Attempt, Condition, HookStore, Subscription } from './port.ts'
import { subscription } from './subscription.fixture.ts'

const attempt = (number: number, more: Partial<Attempt> = {}): Attempt => ({
  atMs: 1_700_000_000_000 + number,
  trigger: 'event',
  number,
  webhookId: 'msg_1',
  event: { id: 'e', type: 'order.placed', source: '/test' },
  place: { partition: 0, streamId: '1-1' },
  url: 'https://endpoint.test/1',
  result: 'pending',
  status: 500,
  failure: null,
  latencyMs: 3,
  response: 'naïve "text"\n',
  nextAtMs: null,
  ...more,
})

const condition = (failures: number): Condition => ({
  ...closedCircuit,
  failures,
  holdUntilMs: null,
  failingSinceMs: 1,
  atMs: 2,
})

/** What every place for webhooks does; each adapter runs this. */
export function hookStoreConformance(
  name: string,
  open: () => Promise<{ store: HookStore; close(): Promise<unknown> }>,
) {
  describe(`webhook store: ${name}`, () => {
    let store: HookStore
    let close: () => Promise<unknown>
    beforeAll(async () => {
      ;({ store, close } = await open())
    })
    afterAll(() => close())
    const created = async (more: Partial<Subscription> = {}) => {
      const made = subscription(more)
      await store.subscriptions.create(made, 1_000)
      return made
    }
    const freshTenant = () => `t${base62Random(8)}`

    describe('subscriptions', () => {
      test('one is found as it was kept, by its own tenant only', async () => {
        const made = await created({ description: 'ü', disabled: { reason: 'gone', atMs: 7, isReleased: false } })
        expect(await store.subscriptions.find(made)).toEqual(made)
        expect(await store.subscriptions.find({ ...made, tenant: 'other' })).toBeUndefined()
        expect(await store.subscriptions.find({ ...made, id: uuidv7() })).toBeUndefined()
      })

      test('they are listed by age, a page at a time, one tenant’s only', async () => {
        const tenant = freshTenant()
        const made: Subscription[] = []
        for (let n = 0; n < 5; n++) made.push(await created({ tenant }))
        await created({ tenant: freshTenant() })
        const ids = async (page: Parameters<typeof store.subscriptions.list>[1]) =>
          (await store.subscriptions.list(tenant, page)).map(({ id }) => id)
        expect(await ids({ limit: 100 })).toEqual(made.map(({ id }) => id))
        const first = await ids({ limit: 2 })
        expect(first).toEqual(made.slice(0, 2).map(({ id }) => id))
        expect(await ids({ limit: 100, after: first[1] ?? '' })).toEqual(made.slice(2).map(({ id }) => id))
      })

      test('a tenant has no more than it may', async () => {
        const tenant = freshTenant()
        const create = () => store.subscriptions.create(subscription({ tenant }), 2)
        expect([await create(), await create(), await create()]).toEqual(['created', 'created', 'full'])
        expect(await store.subscriptions.list(tenant, { limit: 10 })).toHaveLength(2)
      })

      test('of two changes made from the same version, one is refused', async () => {
        const made = await created()
        const first = await store.subscriptions.replace({ ...made, description: 'first' })
        expect(first).toMatchObject({ description: 'first', version: 2 })
        expect(await store.subscriptions.replace({ ...made, description: 'second' })).toBeUndefined()
        expect(await store.subscriptions.find(made)).toEqual(first)
      })

      test('a removed one is gone with all that belonged to it, and a change does not bring it back', async () => {
        const made = await created()
        await store.duties.take(made, { replica: 'a', holdMs: 60_000 })
        await store.attempts.add(made, attempt(1), { keep: 10, tally: { place: 'p', count: 1 } })
        await store.subscriptions.remove(made)
        expect(await store.subscriptions.find(made)).toBeUndefined()
        expect(await store.subscriptions.replace(made)).toBeUndefined()
        expect(await store.subscriptions.everywhere()).not.toContainEqual({ tenant: made.tenant, id: made.id })
        expect(await store.attempts.list(made, { limit: 10 })).toEqual([])
        expect(await store.attempts.tally(made, 'p')).toBe(0)
        expect(await store.duties.take(made, { replica: 'b', holdMs: 60_000 })).toEqual({ state: 'gone' })
      })

      test('all of all tenants are known, and the store tells the time', async () => {
        const made = [await created({ tenant: freshTenant() }), await created({ tenant: freshTenant() })]
        const all = await store.subscriptions.everywhere()
        for (const { tenant, id } of made) expect(all).toContainEqual({ tenant, id })
        expect(Math.abs((await store.subscriptions.nowMs()) - Date.now())).toBeLessThan(60_000)
      })
    })

    describe('duties', () => {
      const hold = (replica: string, holdMs = 60_000) => ({ replica, holdMs })

      test('one replica has a duty, keeps it while it renews, and learns of changes', async () => {
        const made = await created()
        expect(await store.duties.take(made, hold('a'))).toEqual({ state: 'mine', fence: 1, version: 1 })
        expect(await store.duties.take(made, hold('b'))).toEqual({ state: 'taken' })
        await store.subscriptions.replace(made)
        expect(await store.duties.take(made, hold('a'))).toEqual({ state: 'mine', fence: 1, version: 2 })
      })

      test('of many that want it at once, one gets it', async () => {
        const made = await created()
        const wanted = await Promise.all(
          Array.from({ length: 20 }, (_, n) => store.duties.take(made, hold(`replica-${n}`))),
        )
        expect(wanted.filter(({ state }) => state === 'mine')).toHaveLength(1)
      })

      test('given back or run out, it goes to another one under a higher fence', async () => {
        const made = await created()
        await store.duties.take(made, hold('a'))
        await store.duties.give(made, 'b')
        expect(await store.duties.take(made, hold('b'))).toEqual({ state: 'taken' })
        await store.duties.give(made, 'a')
        expect(await store.duties.take(made, hold('b', 10))).toMatchObject({ state: 'mine', fence: 2 })
        for (;;) {
          const duty = await store.duties.take(made, hold('c'))
          if (duty.state === 'mine') {
            expect(duty.fence).toBe(3)
            break
          }
          await pause(2)
        }
      })

      test('a condition is kept for the next holder; one told under a passed fence is refused', async () => {
        const made = await created()
        expect(await store.duties.condition(made)).toBeUndefined()
        await store.duties.take(made, hold('a'))
        expect(await store.duties.setCondition(made, condition(1), 1)).toBe(true)
        await store.duties.give(made, 'a')
        await store.duties.take(made, hold('b'))
        expect(await store.duties.condition(made)).toEqual(condition(1))
        expect(await store.duties.setCondition(made, condition(2), 2)).toBe(true)
        expect(await store.duties.setCondition(made, condition(3), 1)).toBe(false)
        expect(await store.duties.condition(made)).toEqual(condition(2))
      })

      test('replicas that beat are known to each other, those that went or fell silent are not', async () => {
        await store.duties.beat('a', 60_000)
        expect((await store.duties.beat('b', 60_000)).replicas.toSorted()).toEqual(['a', 'b'])
        expect((await store.duties.beat('a', 0)).replicas).toEqual(['b'])
        await store.duties.beat('c', 1)
        for (;;) {
          const { replicas } = await store.duties.beat('b', 60_000)
          if (!replicas.includes('c')) break
          await pause(2)
        }
      })

      test('the census changes when a subscription comes or goes, not when one changes', async () => {
        const census = async () => (await store.duties.beat('a', 60_000)).census
        const before = await census()
        const made = await created()
        const with1 = await census()
        expect(with1).not.toBe(before)
        await store.subscriptions.replace(made)
        expect(await census()).toBe(with1)
        await store.subscriptions.remove(made)
        expect(await census()).not.toBe(with1)
      })
    })

    describe('attempts', () => {
      test('the newest are kept, newest first, and each is found by its id', async () => {
        const made = await created()
        const ids: string[] = []
        for (let n = 1; n <= 5; n++) ids.push((await store.attempts.add(made, attempt(n), { keep: 3 })).id)
        const all = await store.attempts.list(made, { limit: 10 })
        expect(all.map(({ number }) => number)).toEqual([5, 4, 3])
        expect(all.map(({ id }) => id)).toEqual(ids.slice(2).reverse())
        expect(await store.attempts.find(made, ids[4] ?? '')).toEqual({ ...attempt(5), id: ids[4] ?? '' })
        expect(await store.attempts.find(made, ids[0] ?? '')).toBeUndefined()
        expect(await store.attempts.find(await created(), ids[4] ?? '')).toBeUndefined()
      })

      test('a page goes on before the last of the page before', async () => {
        const made = await created()
        for (let n = 1; n <= 5; n++) await store.attempts.add(made, attempt(n), { keep: 10 })
        const first = await store.attempts.list(made, { limit: 2 })
        const second = await store.attempts.list(made, { limit: 2, before: first[1]?.id ?? '' })
        expect([...first, ...second].map(({ number }) => number)).toEqual([5, 4, 3, 2])
      })

      test('a message’s attempts are counted until it is forgotten', async () => {
        const made = await created()
        expect(await store.attempts.tally(made, 'g/0/1-1')).toBe(0)
        await store.attempts.add(made, attempt(1), { keep: 10, tally: { place: 'g/0/1-1', count: 1 } })
        await store.attempts.add(made, attempt(2), { keep: 10, tally: { place: 'g/0/1-1', count: 2 } })
        expect(await store.attempts.tally(made, 'g/0/1-1')).toBe(2)
        expect(await store.attempts.tally(made, 'g/0/1-2')).toBe(0)
        await store.attempts.add(made, attempt(3), { keep: 10, tally: { place: 'g/0/1-1', count: 0 } })
        expect(await store.attempts.tally(made, 'g/0/1-1')).toBe(0)
      })
    })
  })
}
