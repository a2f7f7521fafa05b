import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { base62Random } from '@santaclaude/kit/ids'
import { event, until } from './conformance.ts'
import type { EventLog, GroupAddress, TopicAddress } from './port.ts'

/** `n` is the number of the event among those of its key. */
const keyed = (key: string, n: number) => event(n, { partitionkey: key, dataJson: JSON.stringify({ key, n }) })
const said = ({ event: { dataJson = '{}' } }: { event: { dataJson?: string } }) =>
  JSON.parse(dataJson) as { key: string; n: number }

/** What every event log promises while a topic grows; each adapter runs this. */
export function growthConformance(name: string, open: () => Promise<{ log: EventLog; close(): Promise<void> }>) {
  describe(`a topic that grows: ${name}`, () => {
    let log: EventLog
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ log, close } = await open())
    }, 60_000)
    afterAll(() => close())

    const fresh = async (partitions: number): Promise<TopicAddress> => {
      const address = { tenant: 'acme', topic: `t${base62Random(8)}` }
      await log.createTopic(address, { partitions })
      return address
    }

    /** Publishes for each key one event after the other, growing the topic on the way. */
    const publishGrowing = async (address: TopicAddress, { keys, each }: { keys: number; each: number }) => {
      let published = 0
      const publisher = async (key: string) => {
        for (let n = 0; n < each; n++) {
          await log.append(address, [keyed(key, n)])
          published++
        }
      }
      const publishers = Promise.all(Array.from({ length: keys }, (_, at) => publisher(`k${at}`)))
      for (const [at, partitions] of [3, 6, 7].entries()) {
        await until(async () => published >= ((at + 1) * keys * each) / 4)
        await log.changeTopic(address, { partitions })
      }
      await publishers
    }

    /** Takes note of what comes, key by key. */
    const notes = () => {
      const byKey = new Map<string, number[]>()
      const note = ({ key, n }: { key: string; n: number }) => {
        const list = byKey.get(key) ?? []
        if (!list.includes(n)) byKey.set(key, [...list, n])
      }
      const count = () => [...byKey.values()].reduce((sum, list) => sum + list.length, 0)
      const expectOrder = (keys: number, each: number) => {
        expect(byKey.size).toBe(keys)
        for (const list of byKey.values()) expect(list).toEqual([...Array(each).keys()])
      }
      return { note, count, expectOrder }
    }

    test('a topic gets more partitions, never fewer', async () => {
      const address = await fresh(2)
      expect(await log.changeTopic(address, { partitions: 2 })).toMatchObject({ generations: [2] })
      expect(await log.changeTopic(address, { partitions: 5 })).toMatchObject({ partitions: 7, generations: [2, 5] })
      await expect(log.changeTopic(address, { partitions: 4 })).rejects.toMatchObject({ code: 'conflict' })
      expect(await log.topic(address)).toMatchObject({ generations: [2, 5] })
      const outcomes = await log.append(
        address,
        Array.from({ length: 40 }, (_, n) => keyed(`${n}`, 0)),
      )
      for (const outcome of outcomes) expect(outcome.ok && outcome.partition).toBeOneOf([2, 3, 4, 5, 6])
    })

    test('two who grow it at once agree', async () => {
      const address = await fresh(1)
      const grown = await Promise.all(
        [3, 3, 5].map((partitions) => log.changeTopic(address, { partitions }).catch(() => {})),
      )
      const topic = await log.topic(address)
      expect(topic?.generations.at(-1)).toBe(5)
      expect(grown.length).toBe(3)
      expect(topic?.partitions).toBe(topic?.generations.reduce((sum, count) => sum + count, 0))
    })

    test('what was sent before it grew is known by its idempotency key', async () => {
      const address = await fresh(2)
      const once = (n: number, bodyHash: string) => event(n, { idempotency: { key: 'once', bodyHash } })
      const [first] = await log.append(address, [once(1, 'a')])
      await log.changeTopic(address, { partitions: 5 })
      const [again, other, fresher] = await log.append(address, [once(1, 'a'), once(2, 'b'), event(3)])
      if (!first?.ok) throw new Error('not appended')
      expect(again).toMatchObject({ ok: true, isDuplicate: true, streamId: first.streamId, partition: first.partition })
      expect(other).toEqual({ ok: false, code: 'idempotency_conflict' })
      expect(fresher).toMatchObject({ ok: true, isDuplicate: false })
      expect(await log.size(address)).toBe(2)
    })

    test('the events of a key are delivered in order, one at a time, also across nacks', async () => {
      const address: GroupAddress = { ...(await fresh(1)), group: 'workers' }
      await log.putGroup(address, { ordering: 'key', deliveriesMax: 100 })
      const [keys, each] = [6, 40]
      const publishing = publishGrowing(address, { keys, each })
      const { note, count, expectOrder } = notes()
      const held = new Set<string>()
      let turn = 0
      const consumer = async () => {
        while (count() < keys * each) {
          for (const { entry, receipt } of await log.pull(address, { max: 3, waitMs: 20 })) {
            const { key, n } = said(entry)
            expect(held.has(key)).toBe(false)
            held.add(key)
            await log.lag(address)
            const isRefused = turn++ % 4 === 0
            if (!isRefused) note({ key, n })
            held.delete(key)
            await log.settle(address, [isRefused ? { op: 'nack', receipt, delayMs: 1 } : { op: 'ack', receipt }])
          }
        }
      }
      await Promise.all([publishing, ...[1, 2, 3].map(consumer)])
      expectOrder(keys, each)
      expect(await log.lag(address)).toMatchObject({ ready: 0, leased: 0, parked: 0, dead: 0 })
    }, 60_000)

    test('a group that does not order is first given the events of a key in order, too', async () => {
      const address: GroupAddress = { ...(await fresh(2)), group: 'workers' }
      await log.putGroup(address, { start: { at: 'latest' } })
      const [keys, each] = [6, 40]
      const publishing = publishGrowing(address, { keys, each })
      const { note, count, expectOrder } = notes()
      while (count() < keys * each)
        for (const { entry, receipt, deliveries } of await log.pull(address, { max: 7, waitMs: 20 })) {
          if (deliveries === 1) note(said(entry))
          await log.settle(address, [{ op: said(entry).n % 5 === 0 && deliveries === 1 ? 'nack' : 'ack', receipt }])
        }
      await publishing
      expectOrder(keys, each)
    }, 60_000)

    test('a live reader sees everything in order across growth, and so does one who comes back with an old cursor', async () => {
      const address = await fresh(1)
      const { cursor } = await log.read(address, { from: { at: 'latest' }, limit: 1 })
      const [keys, each] = [6, 40]
      const live = notes()
      const stopping = new AbortController()
      const isReady = Promise.withResolvers<void>()
      const tailing = (async () => {
        for await (const item of log.tail(address, { from: { at: 'latest' }, signal: stopping.signal })) {
          if (item.kind === 'ready') isReady.resolve()
          if (item.kind === 'gap') throw new Error(`a gap: ${JSON.stringify(item.gap)}`)
          if (item.kind === 'entry') live.note(said(item.entry))
        }
      })()
      await isReady.promise
      const publishing = publishGrowing(address, { keys, each })
      const paged = notes()
      for (let at = cursor; paged.count() < keys * each; ) {
        const page = await log.read(address, { from: { cursor: at }, limit: 9 })
        expect(page.gaps).toEqual([])
        for (const entry of page.entries) paged.note(said(entry))
        at = page.cursor
      }
      await publishing
      await until(async () => live.count() >= keys * each)
      stopping.abort()
      await tailing
      live.expectOrder(keys, each)
      paged.expectOrder(keys, each)
      const replay = notes()
      const { entries } = await log.read(address, { from: { cursor }, limit: 1_000 })
      for (const entry of entries) replay.note(said(entry))
      replay.expectOrder(keys, each)
    }, 60_000)
  })
}
