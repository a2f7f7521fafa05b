import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { base62Random } from '@santaclaude/kit/ids'
import { event, numberOf, until } from './conformance.ts'
import type { Delivery, EventLog, GroupAddress } from './port.ts'
import type { DeadPlace } from './repair.ts'

const placeOf = ({ entry, streamId }: { entry: { partition: number }; streamId: string }): DeadPlace => ({
  partition: entry.partition,
  streamId,
})

/** What every event log promises of its dead letters; each adapter runs this. */
export function repairConformance(name: string, open: () => Promise<{ log: EventLog; close(): Promise<void> }>) {
  describe(`repair: ${name}`, () => {
    let log: EventLog
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ log, close } = await open())
    })
    afterAll(() => close())

    const grouped = async (partitions = 2): Promise<GroupAddress> => {
      const address = { tenant: 'acme', topic: `t${base62Random(8)}`, group: 'workers' }
      await log.createTopic(address, { partitions })
      await log.putGroup(address)
      return address
    }
    const pullAll = async (address: GroupAddress, count: number) => {
      const got: Delivery[] = []
      await until(async () => {
        got.push(...(await log.pull(address, { max: 100, waitMs: 0 })))
        return got.length >= count
      })
      return got
    }
    /** Publishes these numbers and lets them die, each for its own reason. */
    const bury = async (address: GroupAddress, numbers: number[], type = 'test.number.said') => {
      for (const n of numbers) {
        await log.append(address, [event(n, { type, partitionkey: `k${n}` })])
        const [{ receipt }] = (await pullAll(address, 1)) as [Delivery]
        await log.settle(address, [{ op: 'term', receipt, reason: `reason ${n}` }])
      }
    }
    const deadOf = async (address: GroupAddress) => (await log.deadLetters(address, { limit: 1_000 })).letters

    for (const order of ['newest', 'oldest'] as const)
      test(`pages of dead letters, ${order} first, join without a gap or a repeat`, async () => {
        const address = await grouped()
        await bury(address, [...Array(12).keys()])
        const seen: number[] = []
        const times: number[] = []
        for (let after: DeadPlace | undefined; ; ) {
          const page = await log.deadLetters(address, { limit: 5, order, ...(after ? { after } : {}) })
          seen.push(...page.letters.map(numberOf))
          times.push(...page.letters.map(({ deadAtMs }) => deadAtMs))
          after = page.next
          if (!after) break
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual([...Array(12).keys()])
        expect(times).toEqual(times.toSorted((a, b) => (order === 'newest' ? b - a : a - b)))
      })

    test('dead letters are found by type, reason and time', async () => {
      const address = await grouped()
      await bury(address, [1, 2])
      await bury(address, [3], 'other.thing.done')
      const find = async (wish: Parameters<EventLog['deadLetters']>[1]) =>
        (await log.deadLetters(address, wish)).letters.map(numberOf).toSorted()
      expect(await find({ limit: 10, filter: { types: ['test.*'] } })).toEqual([1, 2])
      expect(await find({ limit: 10, reason: 'reason 2' })).toEqual([2])
      const last = (await deadOf(address))[0]?.deadAtMs ?? 0
      expect(await find({ limit: 10, sinceMs: last + 1 })).toEqual([])
      expect(await find({ limit: 10, untilMs: last + 1 })).toEqual([1, 2, 3])
    })

    test('a dead letter that is deleted is gone; deleting it again counts nothing', async () => {
      const address = await grouped()
      await bury(address, [1, 2])
      const letters = await deadOf(address)
      const gone = letters.filter((letter) => numberOf(letter) === 1).map(placeOf)
      expect(await log.deleteDeadLetters(address, gone)).toBe(1)
      expect(await log.deleteDeadLetters(address, gone)).toBe(0)
      expect((await deadOf(address)).map(numberOf)).toEqual([2])
    })

    test('a redriven entry comes again in its group as if for the first time, and to no other group', async () => {
      const address = await grouped()
      const other = { ...address, group: 'others' }
      await log.putGroup(other)
      await bury(address, [1, 2])
      const seen = await pullAll(other, 2)
      const letters = await deadOf(address)
      expect(await log.redrive(address, { places: letters.map(placeOf), tally: 'job' })).toBe(2)
      expect(await log.redrive(address, { places: letters.map(placeOf), tally: 'job' })).toBe(0)
      expect(await log.redriven(address, 'job')).toBe(2)
      expect(await deadOf(address)).toEqual([])
      const again = await pullAll(address, 2)
      expect(again.map(({ deliveries }) => deliveries)).toEqual([1, 1])
      const ids = (deliveries: Delivery[]) => deliveries.map(({ entry }) => entry.streamId).toSorted()
      expect(ids(again)).toEqual(ids(seen))
      expect(await log.pull(other, { max: 10, waitMs: 0 })).toEqual([])
      await log.settle(
        address,
        again.map(({ receipt }) => ({ op: 'ack', receipt })),
      )
      expect(await log.lag(address)).toMatchObject({ ready: 0, leased: 0, parked: 0, dead: 0 })
      await log.dropTally(address, 'job')
      expect(await log.redriven(address, 'job')).toBe(0)
    })

    test('a receipt from before a redrive settles nothing after it, however often an entry dies', async () => {
      const address = await grouped()
      await log.append(address, [event(1)])
      const receipts: string[] = []
      for (let life = 1; life <= 3; life++) {
        const [delivery] = await pullAll(address, 1)
        for (const receipt of receipts)
          expect(await log.settle(address, [{ op: 'ack', receipt }])).toMatchObject([{ code: 'lease_lost' }])
        expect(delivery?.deliveries).toBe(1)
        receipts.push(delivery?.receipt ?? '')
        await log.settle(address, [{ op: 'term', receipt: delivery?.receipt ?? '' }])
        const letters = await deadOf(address)
        expect(letters.map(({ deliveries }) => deliveries)).toEqual([1])
        await log.redrive(address, { places: letters.map(placeOf) })
      }
    })

    test('an entry that retention removed comes back for its group alone, and names its old place', async () => {
      const address = await grouped(1)
      const other = { ...address, group: 'others' }
      await bury(address, [1])
      const [letter] = await deadOf(address)
      await log.changeTopic(address, { retention: { maxEvents: 0 } })
      await until(async () => {
        await log.sweep()
        return (await log.size(address)) === 0
      })
      await log.changeTopic(address, { retention: { maxEvents: 100 } })
      await log.putGroup(other)
      expect(await log.redrive(address, { places: letter ? [placeOf(letter)] : [] })).toBe(1)
      const [again] = await pullAll(address, 1)
      expect(again?.entry.event.id).toBe(letter?.entry.event.id ?? '')
      expect(JSON.parse(again?.entry.event.attributesJson ?? '')).toMatchObject({
        mqoriginalid: letter?.entry.streamId,
      })
      expect(await log.pull(other, { max: 10, waitMs: 0 })).toEqual([])
      expect(await log.lag(other)).toMatchObject({ ready: 0, leased: 0, parked: 0 })
    })

    test('a dead letter can be moved to another topic, for everybody there', async () => {
      const address = await grouped()
      const target = await grouped(3)
      await bury(address, [1, 2, 3])
      const letters = await deadOf(address)
      const { topic } = target
      expect(await log.redrive(address, { places: letters.map(placeOf), topic, tally: 'job' })).toBe(3)
      expect(await deadOf(address)).toEqual([])
      expect(await log.redriven(address, 'job')).toBe(3)
      const moved = await pullAll(target, 3)
      expect(moved.map(numberOf).toSorted()).toEqual([1, 2, 3])
      for (const { entry } of moved) {
        const letter = letters.find((other) => other.entry.event.id === entry.event.id)
        expect(JSON.parse(entry.event.attributesJson)).toMatchObject({
          mqoriginalid: letter?.entry.streamId,
          mqoriginaltopic: address.topic,
        })
      }
    })

    test('redriving to a topic that is missing moves nothing', async () => {
      const address = await grouped()
      await bury(address, [1])
      const places = (await deadOf(address)).map(placeOf)
      await expect(log.redrive(address, { places, topic: 'nowhere' })).rejects.toMatchObject({
        code: 'topic_not_found',
      })
      expect(await deadOf(address)).toHaveLength(1)
    })
  })
}
