import { describe, expect, test } from 'bun:test'
import { base62Random } from '@santaclaude/kit/ids'
import { event, numberOf, until } from './conformance.ts'
import type { Delivery, EventLog, GroupAddress } from './port.ts'

type Wish = Parameters<EventLog['putGroup']>[1]
const now = { waitMs: 0 }

/** What every event log promises about filters, order, limits, pauses and moves of groups. */
export function groupConformance(logNow: () => EventLog) {
  const grouped = async (settings: Wish = {}, partitions = 4) => {
    const address = { tenant: 'acme', topic: `t${base62Random(8)}`, group: 'workers' }
    await logNow().createTopic(address, { partitions })
    await logNow().putGroup(address, settings)
    return address
  }
  const say = (address: GroupAddress, numbers: number[], key?: (n: number) => string) =>
    logNow().append(
      address,
      numbers.map((n) => event(n, key ? { partitionkey: key(n) } : {})),
    )
  const pull = (address: GroupAddress, max = 100, more = {}) => logNow().pull(address, { max, ...now, ...more })
  const settle = (address: GroupAddress, op: 'ack' | 'nack' | 'term' | 'release', deliveries: Delivery[]) =>
    logNow().settle(
      address,
      deliveries.map(({ receipt }) => ({ op, receipt })),
    )
  const count = (to: number, from = 0) => Array.from({ length: to - from }, (_, n) => n + from)
  const sorted = (deliveries: Delivery[]) => deliveries.map(numberOf).toSorted((a, b) => a - b)

  describe('groups that filter', () => {
    test('only what fits is delivered; the rest counts as settled, and is counted', async () => {
      const address = await grouped({ filter: { types: ['test.*'], where: 'data.n >= 290' } })
      await say(address, count(300), String)
      await logNow().append(address, [event(500, { type: 'other.thing.done' })])
      const got: Delivery[] = []
      while (got.length < 10) got.push(...(await pull(address, 3)))
      expect(sorted(got)).toEqual(count(300, 290))
      expect(await pull(address)).toEqual([])
      expect(await logNow().lag(address)).toMatchObject({ ready: 0, leased: 10, parked: 0, filtered: 291 })
      await settle(address, 'ack', got)
      expect(await logNow().lag(address)).toMatchObject({ leased: 0, oldestUnsettledMs: 0 })
    })

    test('a waiting pull is not woken by what does not fit', async () => {
      const address = await grouped({ filter: { where: 'data.n = 7' } })
      const waiting = logNow().pull(address, { max: 1, waitMs: 600_000 })
      await say(address, [1, 2, 3])
      await say(address, [7])
      expect((await waiting).map(numberOf)).toEqual([7])
    })

    test('a filter that is changed holds for what is delivered from then on, also again', async () => {
      const address = await grouped()
      await say(address, [1, 2])
      await settle(address, 'nack', await pull(address))
      await logNow().putGroup(address, { filter: { where: 'data.n = 2' } })
      expect((await pull(address)).map(numberOf)).toEqual([2])
      await logNow().putGroup(address, { filter: null })
      await say(address, [3])
      expect((await pull(address)).map(numberOf)).toEqual([3])
    })

    test('a filter that cannot be read is refused, and changes nothing', async () => {
      const address = await grouped({ filter: { where: 'data.n = 2' } })
      const refused = logNow().putGroup(address, { filter: { where: 'data.n =' } })
      await expect(refused).rejects.toMatchObject({ code: 'invalid_filter', position: 8 })
      expect(await logNow().group(address)).toMatchObject({ filter: { where: 'data.n = 2' } })
    })
  })

  describe('groups that order', () => {
    test('of one key only the oldest unsettled event is delivered, and keys do not wait for each other', async () => {
      const address = await grouped({ ordering: 'key' })
      await say(address, count(12), (n) => `k${n % 3}`)
      expect(sorted(await pull(address))).toEqual([0, 1, 2])
      expect(await pull(address)).toEqual([])
      expect(await logNow().lag(address)).toMatchObject({ leased: 3 })
    })

    test('settled by an ack, dead or filtered, an event makes way for the next of its key', async () => {
      const address = await grouped({ ordering: 'key', filter: { where: 'data.n != 2' } }, 1)
      await say(address, count(5), () => 'k')
      const next = async () => (await pull(address)) as [Delivery]
      const [first] = await next()
      expect(await pull(address)).toEqual([])
      await settle(address, 'ack', [first])
      const [second] = await next()
      await settle(address, 'term', [second])
      const [third] = await next()
      expect([first, second, third].map(numberOf)).toEqual([0, 1, 3])
      await settle(address, 'ack', [third])
      expect((await next()).map(numberOf)).toEqual([4])
    })

    test('one given back, or whose lease expired, still stands before the others of its key', async () => {
      const address = await grouped({ ordering: 'key', leaseMs: 30 }, 1)
      await say(address, count(3), () => 'k')
      const [first] = (await pull(address)) as [Delivery]
      await logNow().settle(address, [{ op: 'nack', receipt: first.receipt, delayMs: 40 }])
      expect(await pull(address)).toEqual([])
      const again = await logNow().pull(address, { max: 10, waitMs: 600_000 })
      expect(again).toMatchObject([{ deliveries: 2 }])
      const afterExpiry = await until(async () => {
        await logNow().sweep()
        const got = await pull(address)
        return got.length > 0 && got
      })
      expect([...again, ...afterExpiry].map(numberOf)).toEqual([0, 0])
      expect(afterExpiry).toMatchObject([{ deliveries: 3 }])
    })

    test('events without a key run free; in a group that orders by partition nothing does', async () => {
      const free = await grouped({ ordering: 'key' }, 1)
      await say(free, count(4))
      expect(await pull(free)).toHaveLength(4)
      const strict = await grouped({ ordering: 'partition' }, 1)
      await say(strict, count(4), String)
      const seen: number[] = []
      for (const _ of count(4)) {
        const [only, ...others] = (await pull(strict)) as [Delivery]
        expect(others).toEqual([])
        seen.push(numberOf(only))
        await settle(strict, 'ack', [only])
      }
      expect(seen).toEqual(count(4))
    })

    test('a waiting pull gets the next of a key as soon as the one before is settled', async () => {
      const address = await grouped({ ordering: 'key' }, 2)
      await say(address, count(2), () => 'k')
      const first = await pull(address)
      const waiting = logNow().pull(address, { max: 10, waitMs: 600_000 })
      await settle(address, 'ack', first)
      expect((await waiting).map(numberOf)).toEqual([1])
    })

    test('the ordering of a group cannot be changed', async () => {
      const address = await grouped({ ordering: 'key' })
      await expect(logNow().putGroup(address, { ordering: 'none' })).rejects.toMatchObject({ code: 'conflict' })
    })
  })

  describe('groups with limits', () => {
    test('no more than the limit is under lease, and a settlement makes room at once', async () => {
      const address = await grouped({ inFlightMax: 3 })
      await say(address, count(10), String)
      const first = await pull(address, 2)
      const second = await pull(address, 10)
      expect([first.length, second.length]).toEqual([2, 1])
      expect(await pull(address)).toEqual([])
      const waiting = logNow().pull(address, { max: 10, waitMs: 600_000 })
      await settle(address, 'ack', [...first, ...second])
      expect(await waiting).toHaveLength(3)
      expect(await logNow().lag(address)).toMatchObject({ leased: 3 })
    })

    test('a pull may ask for fewer bytes, and gets at least one', async () => {
      const address = await grouped({}, 1)
      const large = (n: number) => event(n, { dataJson: JSON.stringify({ n, fill: 'x'.repeat(1_000) }) })
      await logNow().append(address, count(5).map(large))
      expect(await pull(address, 5, { bytesMax: 2_500 })).toHaveLength(2)
      expect(await pull(address, 5, { bytesMax: 1 })).toMatchObject([{ deliveries: 1 }])
      expect(await pull(address, 5)).toHaveLength(2)
    })

    test('a pull may ask for another lease than the group has', async () => {
      const address = await grouped({ leaseMs: 600_000 }, 1)
      await say(address, [1, 2])
      const [short] = (await pull(address, 1, { leaseMs: 20 })) as [Delivery]
      const [whole] = (await pull(address, 1)) as [Delivery]
      const [again] = await until(async () => {
        await logNow().sweep()
        const got = await pull(address)
        return got.length > 0 && got
      })
      expect(again).toMatchObject({ deliveries: 2, entry: { streamId: short.entry.streamId } })
      expect(await logNow().holds(address, [short.receipt, whole.receipt, 'x'])).toEqual([false, true, false])

      const hasty = await grouped({ leaseMs: 10 }, 1)
      await say(hasty, [1, 2])
      const [long] = (await pull(hasty, 1, { leaseMs: 600_000 })) as [Delivery]
      await pull(hasty, 1)
      const expired = await until(async () => {
        await logNow().sweep()
        const got = await pull(hasty)
        return got.length > 0 && got
      })
      expect(expired.map(numberOf)).toEqual([2])
      const { receipt } = long
      expect(await logNow().holds(hasty, [receipt])).toEqual([true])
      await logNow().settle(hasty, [{ op: 'extend', receipt, leaseMs: 5 }])
      await until(async () => {
        await logNow().sweep()
        return !(await logNow().holds(hasty, [receipt]))[0]
      })
    })

    test('what is given back unseen does not count as delivered', async () => {
      const address = await grouped({ deliveriesMax: 1 })
      await say(address, [1])
      await settle(address, 'release', await pull(address))
      expect(await pull(address)).toMatchObject([{ deliveries: 1 }])
    })
  })

  describe('groups that are paused and moved', () => {
    test('a paused group hands out nothing and settles what is out; resumed it goes on', async () => {
      const address = await grouped()
      await say(address, [1])
      const held = await pull(address)
      await logNow().putGroup(address, { isPaused: true })
      await say(address, [2])
      expect(await pull(address)).toEqual([])
      expect(await settle(address, 'ack', held)).toMatchObject([{ ok: true }])
      const waiting = logNow().pull(address, { max: 1, waitMs: 600_000 })
      await logNow().putGroup(address, { isPaused: false })
      expect((await waiting).map(numberOf)).toEqual([2])
    })

    test('a group that is moved gives up what it held, and begins there', async () => {
      const address = await grouped({ ordering: 'key' }, 1)
      await say(address, count(4), () => 'k')
      const { cursor } = await logNow().read(address, { from: { at: 'earliest' }, limit: 2 })
      const stale = await pull(address)
      await logNow().seek(address, { at: 'latest' })
      expect(await pull(address)).toEqual([])
      expect(await settle(address, 'ack', stale)).toMatchObject([{ code: 'lease_lost' }])
      await logNow().seek(address, { cursor })
      const [third] = (await pull(address)) as [Delivery]
      expect(numberOf(third)).toBe(2)
      const [zero] = stale as [Delivery]
      await logNow().seek(address, { partition: 0, streamId: zero.entry.streamId })
      expect(await pull(address)).toMatchObject([{ deliveries: 1, entry: { streamId: zero.entry.streamId } }])
      await logNow().seek(address, { sinceMs: Date.now() + 60_000 })
      expect(await pull(address)).toEqual([])
      await logNow().seek(address, { at: 'earliest' })
      expect((await pull(address)).map(numberOf)).toEqual([0])
    })

    test('a waiting pull gets what a move brings', async () => {
      const address = await grouped({ start: { at: 'latest' } }, 1)
      await say(address, [1])
      await settle(address, 'ack', await pull(address))
      const waiting = logNow().pull(address, { max: 1, waitMs: 600_000 })
      await logNow().seek(address, { at: 'earliest' })
      expect((await waiting).map(numberOf)).toEqual([1])
    })

    test('a place of another life, one that was trimmed, and one that never was are refused', async () => {
      const address = await grouped({}, 1)
      const before = await logNow().read(address, { from: { at: 'earliest' }, limit: 1 })
      await say(address, [1, 2])
      const { cursor } = await logNow().read(address, { from: { at: 'earliest' }, limit: 1 })
      await settle(address, 'ack', await pull(address))
      await logNow().changeTopic(address, { retention: { maxEvents: 0 } })
      await until(async () => {
        await logNow().sweep()
        return (await logNow().size(address)) === 0
      })
      await expect(logNow().seek(address, before)).rejects.toMatchObject({ code: 'cursor_expired' })
      await logNow().deleteTopic(address)
      await logNow().createTopic(address, { partitions: 1 })
      await logNow().putGroup(address)
      await say(address, [3])
      await expect(logNow().seek(address, { cursor })).rejects.toMatchObject({ code: 'epoch_changed' })
      for (const wrong of [{ cursor: 'x' }, { partition: 9, streamId: '1-1' }, { partition: 0, streamId: 'x' }])
        await expect(logNow().seek(address, wrong)).rejects.toMatchObject({ code: 'bad_cursor' })
      expect((await pull(address)).map(numberOf)).toEqual([3])
    })
  })
}
