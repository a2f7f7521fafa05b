import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { base62Random, uuidv7 } from '@santaclaude/kit/ids'
import { groupConformance } from './conformance-groups.ts'
import { structuredEvent } from './event.ts'
import type { Appended, Delivery, Due, EventLog, NewEvent, TailItem } from './port.ts'

/** An event with little in it. */
export const event = (n: number, more: Partial<NewEvent> = {}): NewEvent => ({
  id: uuidv7(),
  source: '/test',
  type: 'test.number.said',
  dataJson: JSON.stringify({ n }),
  ...more,
})

export const numberOf = ({ entry }: { entry: { event: { dataJson?: string } } }) =>
  (JSON.parse(entry.event.dataJson ?? '{}') as { n: number }).n

/** Asks again until the answer is there: tests wait for conditions, never for time. */
export async function until<Result>(look: () => Promise<Result | undefined | false>): Promise<Result> {
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await pause(5)
  }
}

const place = (outcome: Appended | undefined) => {
  if (!outcome?.ok) throw new Error(`not appended: ${JSON.stringify(outcome)}`)
  return outcome
}

/** What every event log promises; each adapter runs this. */
export function eventLogConformance(name: string, open: () => Promise<{ log: EventLog; close(): Promise<void> }>) {
  describe(`event log: ${name}`, () => {
    let log: EventLog
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ log, close } = await open())
    })
    afterAll(() => close())

    const fresh = async (partitions = 4) => {
      const address = { tenant: 'acme', topic: `t${base62Random(8)}` }
      await log.createTopic(address, { partitions })
      return address
    }
    const grouped = async (settings: Parameters<EventLog['putGroup']>[1] = {}, partitions = 4) => {
      const address = { ...(await fresh(partitions)), group: 'workers' }
      await log.putGroup(address, settings)
      return address
    }
    const keep = async (address: Awaited<ReturnType<typeof grouped>>, max = 1) =>
      until(async () => {
        await log.sweep()
        const got = await log.pull(address, { max, waitMs: 0 })
        return got.length > 0 && got
      })

    describe('topics', () => {
      test('a topic is created once; creating it again changes nothing', async () => {
        const address = await fresh(2)
        const again = await log.createTopic(address, { partitions: 8 })
        expect(again).toMatchObject({ partitions: 2, isNew: false })
        expect(await log.topic(address)).toMatchObject(address)
      })

      test('a change keeps what it does not name', async () => {
        const address = await fresh()
        const topic = await log.changeTopic(address, { retention: { maxEvents: 7 } })
        expect(topic?.retention).toMatchObject({ maxAgeMs: 7 * 86_400_000, maxEvents: 7, keepUntilSettled: false })
      })

      test('topics of one tenant are listed by name, those of others are not', async () => {
        const tenant = `t${base62Random(6)}`
        for (const topic of ['b', 'a']) await log.createTopic({ tenant, topic })
        expect((await log.topics(tenant)).map(({ topic }) => topic)).toEqual(['a', 'b'])
        expect(await log.topic({ tenant: 'other', topic: 'a' })).toBeUndefined()
      })

      test('a name that could leave its place is refused', async () => {
        for (const topic of ['', 'a:b', 'a{b}', 'a/b', '.a', 'x'.repeat(65)])
          await expect(log.createTopic({ tenant: 'acme', topic })).rejects.toMatchObject({ code: 'bad_name' })
      })

      test('appending to a topic that is missing is refused, or makes it when asked', async () => {
        const address = { tenant: 'acme', topic: `t${base62Random(8)}` }
        await expect(log.append(address, [event(1)])).rejects.toMatchObject({ code: 'topic_not_found' })
        const [outcome] = await log.append(address, [event(1)], { create: { partitions: 1 } })
        expect(place(outcome).partition).toBe(0)
        expect(await log.topic(address)).toMatchObject({ partitions: 1 })
      })

      test('a deleted topic is gone with its events and groups', async () => {
        const address = await grouped()
        await log.append(address, [event(1)])
        expect(await log.deleteTopic(address)).toBe(true)
        expect(await log.deleteTopic(address)).toBe(false)
        await expect(log.append(address, [event(2)])).rejects.toMatchObject({ code: 'topic_not_found' })
        await log.createTopic(address)
        expect(await log.size(address)).toBe(0)
        expect(await log.groups(address)).toEqual([])
      })
    })

    describe('appending and reading', () => {
      test('an event comes out as it went in, its data byte for byte', async () => {
        const address = await fresh()
        const sent = event(1, {
          dataJson: '{"b":1.0,  "a":"é\\u0000"}',
          partitionkey: 'k',
          attributes: { subject: 's"1', time: '2026-01-01T00:00:00Z', retries: 3, urgent: true },
        })
        await log.append(address, [sent])
        const { entries } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
        expect(entries[0]?.event.dataJson).toBe(sent.dataJson)
        expect(JSON.parse(structuredEvent(entries[0]?.event as never))).toEqual({
          specversion: '1.0',
          id: sent.id,
          source: '/test',
          type: 'test.number.said',
          partitionkey: 'k',
          ...sent.attributes,
          data: JSON.parse(sent.dataJson ?? ''),
        })
      })

      test('events of one key share a partition and keep their order', async () => {
        const address = await fresh(8)
        const outcomes = await log.append(
          address,
          Array.from({ length: 50 }, (_, n) => event(n, { partitionkey: 'k' })),
        )
        const partitions = new Set(outcomes.map((outcome) => place(outcome).partition))
        expect(partitions.size).toBe(1)
        const page = await log.readPartition(address, { partition: [...partitions][0] ?? 0, after: '0-0', limit: 100 })
        expect(page.entries.map((entry) => numberOf({ entry }))).toEqual(Array.from({ length: 50 }, (_, n) => n))
        expect(page.epoch).not.toBe('')
      })

      test('a second append under the same key answers the first place; another body is a conflict', async () => {
        const address = await fresh()
        const keyed = (n: number, bodyHash: string) => event(n, { idempotency: { key: 'once', bodyHash } })
        const [first] = await log.append(address, [keyed(1, 'a')])
        const [second, third] = await log.append(address, [keyed(1, 'a'), keyed(2, 'b')])
        expect(place(second)).toMatchObject({ streamId: place(first).streamId, isDuplicate: true })
        expect(third).toEqual({ ok: false, code: 'idempotency_conflict' })
        expect(await log.size(address)).toBe(1)
      })

      test('a key used twice in one append counts once', async () => {
        const address = await fresh()
        const twice = event(1, { idempotency: { key: 'k', bodyHash: 'a' } })
        const [first, second] = await log.append(address, [twice, twice])
        expect(place(first).isDuplicate).toBe(false)
        expect(place(second)).toMatchObject({ isDuplicate: true, streamId: place(first).streamId })
      })

      test('events of one partition are kept all or none, and a retry answers their places', async () => {
        const address = await fresh()
        const all = (hash: string) =>
          [1, 2, 3].map((n) => event(n, { partitionkey: 'k', idempotency: { key: `${n}`, bodyHash: hash } }))
        await log.append(address, [event(2, { partitionkey: 'k', idempotency: { key: '2', bodyHash: 'b' } })])
        const refused = log.append(address, all('a'), { isAtomic: true })
        await expect(refused).rejects.toMatchObject({ code: 'idempotency_conflict' })
        expect(await log.size(address)).toBe(1)
        const first = await log.append(address, all('b'), { isAtomic: true })
        expect(first.map((outcome) => place(outcome).isDuplicate)).toEqual([false, true, false])
        const again = await log.append(address, all('b'), { isAtomic: true })
        expect(again.map((outcome) => place(outcome).streamId)).toEqual(first.map((one) => place(one).streamId))
        expect(await log.size(address)).toBe(3)
      })

      test('what cannot be one whole is refused: several partitions, or events that lie anywhere', async () => {
        const address = await fresh()
        const keyed = Array.from({ length: 40 }, (_, n) => event(n, { partitionkey: `${n}` }))
        for (const events of [keyed, [event(1)]])
          await expect(log.append(address, events, { isAtomic: true })).rejects.toMatchObject({
            code: 'several_partitions',
          })
        expect(await log.size(address)).toBe(0)
      })

      test('an append that expects another last id is refused; its retry is not', async () => {
        const address = await fresh(1)
        const keyed = (n: number) => event(n, { idempotency: { key: `${n}`, bodyHash: '' } })
        const append = (n: number, expectedLastId: string) => log.append(address, [keyed(n)], { expectedLastId })
        const [first] = await append(1, '0-0')
        await expect(append(2, '0-0')).rejects.toMatchObject({
          code: 'expected_id_mismatch',
          message: expect.stringContaining(place(first).streamId),
        })
        const [second] = await append(2, place(first).streamId)
        const [again] = await append(2, place(first).streamId)
        expect(place(again)).toMatchObject({ streamId: place(second).streamId, isDuplicate: true })
        expect(await log.size(address)).toBe(2)
      })

      test('of two that expect the same last id one is kept', async () => {
        const address = await fresh(1)
        const outcomes = await Promise.allSettled(
          Array.from({ length: 10 }, (_, n) => log.append(address, [event(n)], { expectedLastId: '0-0' })),
        )
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        expect(await log.size(address)).toBe(1)
      })

      test('a durability the log cannot give is refused before anything is kept', async () => {
        const address = await fresh()
        const wish = { durability: { replicas: 9 } }
        await expect(log.append(address, [event(1)], wish)).rejects.toMatchObject({ code: 'durability_unavailable' })
        expect(await log.size(address)).toBe(0)
        const [kept] = await log.append(address, [event(1)], { durability: { level: 'memory' } })
        expect(place(kept).durability.level).toBeOneOf(['memory', 'aof'])
      })

      test('an event that is too large is refused before anything is kept', async () => {
        const address = await fresh()
        const large = event(1, { dataJson: JSON.stringify('x'.repeat(1_048_576)) })
        await expect(log.append(address, [event(0), large])).rejects.toMatchObject({ code: 'event_too_large' })
        expect(await log.size(address)).toBe(0)
      })

      test('pages join without a gap or a repeat, whatever their size', async () => {
        const address = await fresh()
        for (let n = 0; n < 20; n++) await log.append(address, [event(n), event(n + 100, { partitionkey: `${n}` })])
        const seen: number[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await log.read(address, { from: cursor ? { cursor } : { at: 'earliest' }, limit: 7 })
          expect(page.gaps).toEqual([])
          seen.push(...page.entries.map((entry) => numberOf({ entry })))
          cursor = page.cursor
          if (page.isEnd) break
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual([
          ...Array(20).keys(),
          ...Array.from({ length: 20 }, (_, n) => n + 100),
        ])
      })

      test('reading starts at the latest, or at a time', async () => {
        const address = await fresh(1)
        const [first] = await log.append(address, [event(1)])
        const ms = Number(place(first).streamId.split('-')[0])
        const { entries } = await log.read(address, { from: { sinceMs: ms }, limit: 10 })
        expect(entries).toHaveLength(1)
        const later = await log.read(address, { from: { sinceMs: ms + 60_000 }, limit: 10 })
        expect(later.entries).toHaveLength(0)
        const end = await log.read(address, { from: { at: 'latest' }, limit: 10 })
        expect(end.entries).toHaveLength(0)
        await log.append(address, [event(2)])
        const next = await log.read(address, { from: { cursor: end.cursor }, limit: 10 })
        expect(next.entries.map((entry) => numberOf({ entry }))).toEqual([2])
      })

      test('a cursor nobody gave out is refused', async () => {
        const address = await fresh()
        for (const cursor of ['', 'x', 'c1.', 'c1.aaaaaa-1-1', 'c1.-!-0'])
          await expect(log.read(address, { from: { cursor }, limit: 1 })).rejects.toMatchObject({ code: 'bad_cursor' })
      })
    })

    describe('delays', () => {
      const later = (address: Awaited<ReturnType<typeof fresh>>, n: number, due: Due, more: Partial<NewEvent> = {}) =>
        log.appendLater(address, [event(n, more)], { due })
      const held = async (address: Awaited<ReturnType<typeof fresh>>) =>
        (await log.read(address, { from: { at: 'earliest' }, limit: 100 })).entries.map((entry) => numberOf({ entry }))

      test('a delayed event is readable when it is due, and not before', async () => {
        const address = await fresh()
        const [one] = await later(address, 1, { delayMs: 3_600_000 })
        expect(one).toMatchObject({ ok: true, isDuplicate: false, dueAtMs: expect.any(Number) })
        await later(address, 2, { delayMs: 20 })
        await later(address, 3, { atMs: 0 })
        expect(await held(address)).toEqual([])
        expect(await log.delayed(address)).toBe(3)
        await until(async () => {
          await log.promote({ waitMs: 1_000 })
          return (await log.delayed(address)) === 1
        })
        expect((await held(address)).toSorted()).toEqual([2, 3])
      })

      test('events of one key are readable in the order they are due, those due at once in the order they came', async () => {
        const address = await fresh()
        const key = { partitionkey: 'k' }
        await later(address, 3, { delayMs: 30 }, key)
        await log.appendLater(address, [event(1, key), event(2, key)], { due: { atMs: 1 } })
        await until(async () => {
          await log.promote({ waitMs: 1_000 })
          return (await log.delayed(address)) === 0
        })
        expect(await held(address)).toEqual([1, 2, 3])
      })

      test('a repeated delayed event is the first one; the key with another body or without the delay is a conflict', async () => {
        const address = await fresh()
        const keyed = (bodyHash: string) => ({ idempotency: { key: 'k', bodyHash } })
        const [first] = await later(address, 1, { delayMs: 3_600_000 }, keyed('a'))
        const [again] = await later(address, 1, { delayMs: 7_200_000 }, keyed('a'))
        expect(again).toEqual({ ...first, isDuplicate: true } as never)
        const conflict = { ok: false, code: 'idempotency_conflict' } as const
        expect(await later(address, 1, { delayMs: 1 }, keyed('b'))).toEqual([conflict])
        expect(await log.append(address, [event(1, keyed('a'))])).toEqual([conflict])
        expect(await log.delayed(address)).toBe(1)
      })

      test('whoever waits to promote is woken by an event that is due earlier, and wakes who waits to pull', async () => {
        const address = await grouped()
        await later(address, 1, { delayMs: 3_600_000 })
        const stopping = new AbortController()
        const promoting = (async () => {
          while (!stopping.signal.aborted) await log.promote({ waitMs: 600_000, signal: stopping.signal })
        })()
        const waiting = log.pull(address, { max: 1, waitMs: 600_000 })
        await later(address, 2, { delayMs: 30 })
        expect((await waiting).map(numberOf)).toEqual([2])
        stopping.abort()
        await promoting
      })

      test('a full topic takes no delayed events either', async () => {
        const address = await fresh(1)
        await log.changeTopic(address, { retention: { maxEvents: 2, discard: 'reject' } })
        await log.append(address, [event(1)])
        await later(address, 2, { delayMs: 3_600_000 })
        expect(await later(address, 3, { delayMs: 3_600_000 })).toEqual([{ ok: false, code: 'topic_full' }])
      })

      test('a deleted topic forgets its delayed events', async () => {
        const address = await fresh()
        await later(address, 1, { delayMs: 3_600_000 })
        await log.deleteTopic(address)
        await log.createTopic(address)
        expect(await log.delayed(address)).toBe(0)
      })

      test('a time to live counts from when the event is readable', async () => {
        const address = await fresh(1)
        const [appended] = await log.append(address, [event(1, { ttlMs: 60_000 })])
        const [waits] = await log.appendLater(address, [event(2, { ttlMs: 60_000 })], { due: { delayMs: 10 } })
        await until(() => log.promote({ waitMs: 1_000 }))
        const { entries } = await log.read(address, { from: { at: 'earliest' }, limit: 2 })
        const endsAtMs = entries.map((entry) => Date.parse(JSON.parse(entry.event.attributesJson).expirytime))
        const sinceMs = [Number(place(appended).streamId.split('-')[0]), waits?.ok ? waits.dueAtMs : 0]
        for (const [n, endMs] of endsAtMs.entries())
          expect(Math.abs(endMs - (sinceMs[n] ?? 0) - 60_000)).toBeLessThan(50)
      })
    })

    describe('lifetimes', () => {
      test('an event that has outlived its time is delivered to nobody, and counted where it was owed', async () => {
        const address = await grouped({}, 1)
        await log.append(address, [event(1, { ttlMs: 1 }), event(2), event(3, { ttlMs: 3_600_000 })])
        const past = { attributes: { expirytime: '2020-01-01T00:00:00Z' } }
        await log.append(address, [event(4, past)])
        await until(async () => (await log.read(address, { from: { at: 'earliest' }, limit: 9 })).entries.length === 2)
        const page = await log.read(address, { from: { at: 'earliest' }, limit: 9 })
        expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([2, 3])
        expect((await log.pull(address, { max: 10, waitMs: 0 })).map(numberOf)).toEqual([2, 3])
        expect(await log.lag(address)).toMatchObject({ ready: 0, leased: 2, parked: 0, dead: 0, expired: 2 })
        const stopping = new AbortController()
        const tail = log.tail(address, { from: { at: 'earliest' }, signal: stopping.signal })[Symbol.asyncIterator]()
        const seen: number[] = []
        await tail.next()
        for (let n = 0; n < 2; n++) seen.push(numberOf((await tail.next()).value))
        await log.append(address, [event(5, past), event(6)])
        seen.push(numberOf((await tail.next()).value))
        expect(seen).toEqual([2, 3, 6])
        stopping.abort()
        await tail.next()
      })

      test('an event given back comes again only within its time', async () => {
        const address = await grouped({}, 1)
        await log.append(address, [event(1, { ttlMs: 1_500 })])
        const [delivery] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        await log.settle(address, [{ op: 'nack', receipt: delivery.receipt, delayMs: 1_510 }])
        await until(async () => {
          expect(await log.pull(address, { max: 1, waitMs: 20 })).toEqual([])
          return (await log.lag(address)).expired === 1
        })
        expect(await log.lag(address)).toMatchObject({ ready: 0, leased: 0, parked: 0 })
      })

      test('whoever waits is not kept waiting by events that have expired', async () => {
        const address = await grouped({}, 1)
        const waiting = log.pull(address, { max: 1, waitMs: 600_000 })
        const past = { attributes: { expirytime: '2020-01-01T00:00:00Z' } }
        await log.append(address, [event(1, past)])
        await log.append(address, [...Array.from({ length: 20 }, () => event(2, past)), event(3)])
        expect((await waiting).map(numberOf)).toEqual([3])
      })
    })

    describe('tailing', () => {
      const follow = (address: { tenant: string; topic: string }, from: Parameters<EventLog['tail']>[1]['from']) => {
        const stopping = new AbortController()
        const items: TailItem[] = []
        const done = (async () => {
          for await (const item of log.tail(address, { from, signal: stopping.signal })) items.push(item)
        })()
        const stop = async () => {
          stopping.abort()
          await done
        }
        const numbers = () => items.flatMap((item) => (item.kind === 'entry' ? [numberOf(item)] : []))
        return { items, numbers, stop, ready: () => until(async () => items[0]?.kind === 'ready') }
      }

      test('a tail says ready, then brings what is appended, once each', async () => {
        const address = await fresh()
        const tail = follow(address, { at: 'latest' })
        await tail.ready()
        for (let n = 0; n < 30; n++) await log.append(address, [event(n)])
        await until(async () => tail.numbers().length >= 30)
        expect(tail.numbers().toSorted((a, b) => a - b)).toEqual([...Array(30).keys()])
        await tail.stop()
      })

      test('a tail taken up at a cursor misses nothing and repeats nothing', async () => {
        const address = await fresh()
        await log.append(address, [event(0), event(1), event(2)])
        const first = follow(address, { at: 'earliest' })
        await until(async () => first.numbers().length === 3)
        await first.stop()
        const cursor = first.items.at(-2)?.cursor ?? ''
        for (let n = 3; n < 10; n++) await log.append(address, [event(n)])
        const second = follow(address, { cursor })
        await log.append(address, [event(10)])
        await until(async () => second.numbers().length >= 9)
        expect(second.numbers().toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
        await second.stop()
      })

      test('a reader that stops reading for a while gets everything in the end', async () => {
        const address = await fresh(1)
        const stopping = new AbortController()
        const tail = log.tail(address, { from: { at: 'latest' }, signal: stopping.signal })[Symbol.asyncIterator]()
        expect((await tail.next()).value?.kind).toBe('ready')
        const pending = tail.next()
        for (let n = 0; n < 40; n++)
          await log.append(
            address,
            Array.from({ length: 50 }, (_, m) => event(50 * n + m)),
          )
        const seen = [numberOf((await pending).value)]
        while (seen.length < 2_000) seen.push(numberOf((await tail.next()).value))
        expect(seen).toEqual([...Array(2_000).keys()])
        stopping.abort()
        expect((await tail.next()).done).toBe(true)
      })

      test('changed resolves when something is appended', async () => {
        const address = await fresh()
        const heard = log.changed(address, { waitMs: 600_000 })
        await log.append(address, [event(1)])
        await heard
      })
    })

    describe('groups', () => {
      test('each entry goes to one of the group, and what is acked never comes back', async () => {
        const address = await grouped({ leaseMs: 50 })
        await log.append(
          address,
          Array.from({ length: 20 }, (_, n) => event(n, { partitionkey: `${n}` })),
        )
        const [a, b] = await Promise.all([
          log.pull(address, { max: 10, waitMs: 0 }),
          log.pull(address, { max: 10, waitMs: 0 }),
        ])
        expect([...a, ...b].map(numberOf).toSorted((x, y) => x - y)).toEqual([...Array(20).keys()])
        const settled = await log.settle(
          address,
          [...a, ...b].map(({ receipt }) => ({ op: 'ack', receipt })),
        )
        expect(settled.every(({ ok }) => ok)).toBe(true)
        expect(await log.lag(address)).toEqual({
          ready: 0,
          leased: 0,
          parked: 0,
          dead: 0,
          filtered: 0,
          expired: 0,
          oldestUnsettledMs: 0,
        })
      })

      test('a group starts where it was told to', async () => {
        const address = await fresh()
        await log.append(address, [event(1)])
        await log.putGroup({ ...address, group: 'all' })
        await log.putGroup({ ...address, group: 'new' }, { start: { at: 'latest' } })
        await log.append(address, [event(2)])
        const pull = (group: string) => log.pull({ ...address, group }, { max: 10, waitMs: 0 })
        expect((await pull('new')).map(numberOf)).toEqual([2])
        expect((await pull('all')).map(numberOf).toSorted()).toEqual([1, 2])
        expect((await log.groups(address)).map(({ group }) => group)).toEqual(['all', 'new'])
      })

      test('a pull that waits gets what is appended later', async () => {
        const address = await grouped()
        const waiting = log.pull(address, { max: 5, waitMs: 600_000 })
        await log.append(address, [event(1)])
        expect((await waiting).map(numberOf)).toEqual([1])
      })

      test('a pull that is given up answers nothing and takes nothing', async () => {
        const address = await grouped()
        const leaving = new AbortController()
        const waiting = log.pull(address, { max: 5, waitMs: 600_000, signal: leaving.signal })
        leaving.abort()
        expect(await waiting).toEqual([])
        await log.append(address, [event(1)])
        expect((await keep(address)).map(({ deliveries }) => deliveries)).toEqual([1])
      })

      test('an entry given back comes again, and the old receipt is worth nothing', async () => {
        const address = await grouped()
        await log.append(address, [event(1)])
        const [first] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        expect(await log.settle(address, [{ op: 'nack', receipt: first.receipt }])).toMatchObject([{ ok: true }])
        const [second] = (await keep(address)) as [Delivery]
        expect(second).toMatchObject({ deliveries: 2, entry: { streamId: first.entry.streamId } })
        const outcomes = await log.settle(address, [
          { op: 'ack', receipt: first.receipt },
          { op: 'ack', receipt: second.receipt },
          { op: 'ack', receipt: second.receipt },
          { op: 'ack', receipt: 'nonsense' },
        ])
        expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code))).toEqual([
          'lease_lost',
          'ok',
          'lease_lost',
          'bad_receipt',
        ])
      })

      test('an entry given back with a delay is parked until then', async () => {
        const address = await grouped()
        await log.append(address, [event(1)])
        const [first] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        await log.settle(address, [{ op: 'nack', receipt: first.receipt, delayMs: 3_600_000 }])
        expect(await log.pull(address, { max: 1, waitMs: 0 })).toEqual([])
        expect(await log.lag(address)).toMatchObject({ ready: 0, leased: 0, parked: 1 })
      })

      test('a waiting pull gets a delayed entry when it is due', async () => {
        const address = await grouped()
        await log.append(address, [event(1)])
        const [first] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        const waiting = log.pull(address, { max: 1, waitMs: 600_000 })
        await log.settle(address, [{ op: 'nack', receipt: first.receipt, delayMs: 30 }])
        expect(await waiting).toMatchObject([{ deliveries: 2 }])
      })

      test('an expired lease goes to somebody else, and the late ack changes nothing', async () => {
        const address = await grouped({ leaseMs: 20 })
        await log.append(address, [event(1)])
        const [late] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        const [other] = (await keep(address)) as [Delivery]
        expect(other.deliveries).toBe(2)
        const [outcome] = await log.settle(address, [{ op: 'ack', receipt: late.receipt }])
        expect(outcome).toMatchObject({ ok: false, code: 'lease_lost' })
        expect(await log.lag(address)).toMatchObject({ leased: 1 })
      })

      test('an extended lease stays', async () => {
        const address = await grouped({ leaseMs: 600_000 })
        await log.append(address, [event(1)])
        const [first] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        const { receipt } = first
        expect(await log.settle(address, [{ op: 'extend', receipt }])).toMatchObject([{ ok: true }])
        expect(await log.settle(address, [{ op: 'ack', receipt }])).toMatchObject([{ ok: true }])
      })

      test('after its last delivery an entry is dead, not gone', async () => {
        const address = await grouped({ leaseMs: 10, deliveriesMax: 2 })
        await log.append(address, [event(7)])
        await log.pull(address, { max: 1, waitMs: 0 })
        await keep(address)
        const [letter] = await until(async () => {
          await log.sweep()
          const { letters } = await log.deadLetters(address, { limit: 10 })
          return letters.length > 0 && letters
        })
        expect(letter).toMatchObject({ deliveries: 2, reason: 'lease expired' })
        expect(numberOf(letter as never)).toBe(7)
        expect(await log.lag(address)).toEqual({
          ready: 0,
          leased: 0,
          parked: 0,
          dead: 1,
          filtered: 0,
          expired: 0,
          oldestUnsettledMs: 0,
        })
      })

      test('a terminated entry is dead at once, with the reason given', async () => {
        const address = await grouped()
        await log.append(address, [event(1)])
        const [{ receipt }] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        const [settled] = await log.settle(address, [{ op: 'term', receipt, reason: 'poison' }])
        expect(settled).toEqual({ receipt, ok: true, isDead: true })
        const { letters } = await log.deadLetters(address, { limit: 1 })
        expect(letters).toMatchObject([{ reason: 'poison', deliveries: 1 }])
      })

      test('pulling and settling need the group', async () => {
        const address = { ...(await fresh()), group: 'nobody' }
        await expect(log.pull(address, { max: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'group_not_found' })
        await expect(log.settle(address, [])).rejects.toMatchObject({ code: 'group_not_found' })
        await log.putGroup(address)
        expect(await log.deleteGroup(address)).toBe(true)
        expect(await log.deleteGroup(address)).toBe(false)
        await expect(log.pull(address, { max: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'group_not_found' })
      })

      test('lag counts what is ready, leased and parked', async () => {
        const address = await grouped()
        await log.append(address, [event(1), event(2), event(3)])
        const [one] = (await log.pull(address, { max: 1, waitMs: 0 })) as [Delivery]
        await log.pull(address, { max: 1, waitMs: 0 })
        await log.settle(address, [{ op: 'nack', receipt: one.receipt, delayMs: 3_600_000 }])
        expect(await log.lag(address)).toMatchObject({ ready: 1, leased: 1, parked: 1, dead: 0 })
      })
    })

    groupConformance(() => log)

    describe('retention', () => {
      test('what a group has not settled is never trimmed; what it has settled is', async () => {
        const address = await grouped({}, 1)
        await log.changeTopic(address, { retention: { maxEvents: 0 } })
        await log.append(
          address,
          Array.from({ length: 10 }, (_, n) => event(n)),
        )
        const taken = await log.pull(address, { max: 6, waitMs: 0 })
        await log.settle(
          address,
          taken.filter((_, n) => n !== 3).map(({ receipt }) => ({ op: 'ack', receipt })),
        )
        await until(async () => {
          await log.sweep()
          return (await log.size(address)) < 10
        })
        await log.sweep()
        expect(await log.size(address)).toBe(7)
        expect((await log.pull(address, { max: 10, waitMs: 0 })).map(numberOf)).toEqual([6, 7, 8, 9])
      })

      test('a topic that refuses when full takes events again once what it holds is settled', async () => {
        const address = await grouped({}, 1)
        await log.changeTopic(address, { retention: { maxEvents: 3, discard: 'reject' } })
        const kept = await log.append(
          address,
          Array.from({ length: 5 }, (_, n) => event(n)),
        )
        expect(kept.map(({ ok }) => ok)).toEqual([true, true, true, false, false])
        expect(kept[4]).toEqual({ ok: false, code: 'topic_full' })
        await expect(log.append(address, [event(9)], { isAtomic: true })).rejects.toMatchObject({ code: 'topic_full' })
        const taken = await log.pull(address, { max: 2, waitMs: 0 })
        await log.settle(
          address,
          taken.map(({ receipt }) => ({ op: 'ack', receipt })),
        )
        const more = await log.append(address, [event(5), event(6), event(7)])
        expect(more.map(({ ok }) => ok)).toEqual([true, true, false])
        expect((await log.pull(address, { max: 10, waitMs: 0 })).map(numberOf)).toEqual([2, 5, 6])
      })

      test('a topic that refuses when full and has no group keeps what it holds', async () => {
        const address = await fresh(1)
        await log.changeTopic(address, { retention: { maxEvents: 2, discard: 'reject' } })
        await log.append(address, [event(0), event(1)])
        expect(await log.append(address, [event(2)])).toEqual([{ ok: false, code: 'topic_full' }])
        await log.sweep()
        expect(await log.size(address)).toBe(2)
      })

      test('a full topic knows a repeated event and does not call it too much', async () => {
        const address = await fresh(1)
        await log.changeTopic(address, { retention: { maxEvents: 1, discard: 'reject' } })
        const keyed = event(0, { idempotency: { key: 'k', bodyHash: 'a' } })
        await log.append(address, [keyed])
        const [again, other] = await log.append(address, [keyed, event(1)])
        expect(place(again).isDuplicate).toBe(true)
        expect(other).toEqual({ ok: false, code: 'topic_full' })
      })

      test('a limit by bytes removes the oldest settled, and only where the topic says so the unsettled', async () => {
        const address = await grouped({}, 1)
        const large = (n: number) => event(n, { dataJson: JSON.stringify({ n, text: 'x'.repeat(10_000) }) })
        await log.append(
          address,
          Array.from({ length: 20 }, (_, n) => large(n)),
        )
        await log.changeTopic(address, { retention: { maxEvents: null, maxBytes: 60_000 } })
        const taken = await log.pull(address, { max: 3, waitMs: 0 })
        await log.settle(
          address,
          taken.map(({ receipt }) => ({ op: 'ack', receipt })),
        )
        await until(async () => {
          await log.sweep()
          return (await log.size(address)) === 17
        })
        await log.changeTopic(address, { retention: { discard: 'old-unsafe' } })
        const dropped = await until(async () => (await log.sweep()).dropped)
        expect(dropped).toBeGreaterThan(5)
        const left = await log.size(address)
        expect(left).toBeGreaterThan(2)
        expect(left).toBeLessThan(8)
      })

      test('a reader whose place was trimmed is told what it missed', async () => {
        const address = await fresh(1)
        const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 1 })
        const outcomes = await log.append(address, [event(0), event(1), event(2)])
        await log.changeTopic(address, { retention: { maxEvents: 1 } })
        await until(async () => {
          await log.sweep()
          return (await log.size(address)) === 1
        })
        const page = await log.read(address, { from: { cursor }, limit: 10 })
        expect(page.gaps).toEqual([{ partition: 0, reason: 'trimmed', from: '0-0', to: place(outcomes[1]).streamId }])
        expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([2])
        const fromStart = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
        expect(fromStart.gaps).toEqual([])
      })

      test('a topic that keeps until settled keeps everything while there is no group', async () => {
        const address = await fresh(1)
        await log.changeTopic(address, { retention: { maxEvents: 0, keepUntilSettled: true } })
        await log.append(address, [event(0), event(1)])
        for (let n = 0; n < 3; n++) await log.sweep()
        expect(await log.size(address)).toBe(2)
        const group = { ...address, group: 'sink' }
        await log.putGroup(group)
        const { entries } = await log.readPartition(address, { partition: 0, after: '0-0', limit: 1 })
        await log.checkpoint(group, { partition: 0, streamId: entries[0]?.streamId ?? '', count: 1 })
        expect(await log.lag(group)).toMatchObject({ ready: 1 })
        await until(async () => {
          await log.sweep()
          return (await log.size(address)) === 1
        })
      })
    })
  })
}
