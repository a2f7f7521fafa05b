import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { base62Random, uuidv7 } from '@santaclaude/kit/ids'
import { event, numberOf } from './conformance.ts'
import type { EntryPlace } from './insight.ts'
import type { Appended, Delivery, EventLog, GroupAddress } from './port.ts'

/** What every event log promises of a close look; each adapter runs this. */
export function insightConformance(name: string, open: () => Promise<{ log: EventLog; close(): Promise<void> }>) {
  describe(`insight: ${name}`, () => {
    let log: EventLog
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ log, close } = await open())
    })
    afterAll(() => close())

    const grouped = async (partitions = 1): Promise<GroupAddress> => {
      const address = { tenant: 'acme', topic: `t${base62Random(8)}`, group: 'workers' }
      await log.createTopic(address, { partitions })
      await log.putGroup(address, { leaseMs: 600_000 })
      return address
    }
    const placeOf = (outcome: Appended | undefined): EntryPlace => {
      if (!outcome?.ok) throw new Error('not appended')
      return { partition: outcome.partition, streamId: outcome.streamId }
    }

    test('the state of a group says per partition what is where, and until when', async () => {
      const address = await grouped()
      await log.append(address, [event(1), event(2), event(3), event(4)])
      const [one, , three] = (await log.pull(address, { max: 3, waitMs: 0 })) as [Delivery, Delivery, Delivery]
      await log.settle(address, [
        { op: 'nack', receipt: one.receipt, delayMs: 3_600_000 },
        { op: 'term', receipt: three.receipt },
      ])
      await log.sweep()
      const { partitions, hasUpkeep, store } = await log.groupState(address)
      expect({ hasUpkeep, store }).toEqual({ hasUpkeep: true, store: 'ok' })
      const [state] = partitions
      expect(state).toMatchObject({ partition: 0, ready: 1, leased: 1, parked: 1, dead: 1, inLine: 0 })
      expect(state?.leaseEndsInMs).toBeWithin(500_000, 600_001)
      expect(state?.dueInMs).toBeWithin(3_500_000, 3_600_001)
    })

    test('what is pending is listed page by page', async () => {
      const address = await grouped(3)
      const numbers = Array.from({ length: 9 }, (_, n) => event(n, { partitionkey: `k${n}` }))
      await log.append(address, numbers)
      const [first] = (await log.pull(address, { max: 9, waitMs: 0 })) as [Delivery]
      await log.settle(address, [{ op: 'nack', receipt: first.receipt, delayMs: 3_600_000 }])
      const seen: string[] = []
      const states: string[] = []
      for (let after: EntryPlace | undefined; ; ) {
        const page = await log.pending(address, { limit: 4, ...(after ? { after } : {}) })
        seen.push(...page.entries.map(({ partition, streamId }) => `${partition}.${streamId}`))
        states.push(...page.entries.map(({ state }) => state))
        after = page.next
        if (!after) break
      }
      expect(new Set(seen).size).toBe(9)
      expect(seen).toHaveLength(9)
      expect(states.filter((state) => state === 'parked')).toHaveLength(1)
    })

    test('an event is found by its id, by the time the id says, and at its place', async () => {
      const address = await grouped(2)
      const old = event(1, { id: uuidv7(1_000) })
      const named = event(2, { id: 'order 7' })
      const outcomes = await log.append(address, [old, named, event(3)])
      for (const [n, { id }] of [old, named].entries()) {
        const found = await log.find(address, { id })
        expect(found).toMatchObject(placeOf(outcomes[n]))
        expect(numberOf({ entry: found as never })).toBe(n + 1)
      }
      expect(await log.find(address, { id: named.id, at: placeOf(outcomes[1]) })).toBeDefined()
      expect(await log.find(address, { id: 'another', at: placeOf(outcomes[1]) })).toBeUndefined()
      expect(await log.find(address, { id: uuidv7() })).toBeUndefined()
    })

    test('an entry’s footprints say what each group has done with it', async () => {
      const address = await grouped()
      for (const group of ['a-ready', 'b-dead', 'c-settled', 'd-parked']) await log.putGroup({ ...address, group })
      const place = placeOf((await log.append(address, [event(1)]))[0])
      const take = async (group: string) => {
        const [delivery] = (await log.pull({ ...address, group }, { max: 1, waitMs: 0 })) as [Delivery]
        return delivery.receipt
      }
      await log.settle({ ...address, group: 'b-dead' }, [{ op: 'term', receipt: await take('b-dead'), reason: 'bad' }])
      await log.settle({ ...address, group: 'c-settled' }, [{ op: 'ack', receipt: await take('c-settled') }])
      const receipt = await take('d-parked')
      await log.settle({ ...address, group: 'd-parked' }, [{ op: 'nack', receipt, delayMs: 3_600_000 }])
      await take('workers')
      const prints = await log.footprints(address, place)
      expect(prints.map(({ group, state }) => [group, state])).toEqual([
        ['a-ready', 'ready'],
        ['b-dead', 'dead'],
        ['c-settled', 'settled'],
        ['d-parked', 'parked'],
        ['workers', 'leased'],
      ])
      expect(prints[1]).toMatchObject({ deliveries: 1, reason: 'bad' })
      expect(prints[4]).toMatchObject({ deliveries: 1 })
    })
  })
}
