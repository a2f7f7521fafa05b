import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readSse } from '@santaclaude/kit/sse'
import { openLog } from '@santaclaude/log/redis-streams'
import { serve } from '@santaclaude/service/serve'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'
import { type Frame, openSocket } from '../sockets/socket.fixture.ts'
import { startUpkeep } from '../upkeep/upkeep.ts'

/** One group, consumed over every transport at once, on two replicas, by consumers that fail. */
let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

async function replica() {
  const log = openLog({ redisUrl: redis.url, trimEveryMs: 0 })
  const app = await startApp({ log })
  const server = serve(app.app, { hostname: '127.0.0.1', port: 0 })
  const upkeep = startUpkeep(app, { everyMs: 20 })
  return {
    ...app,
    port: server.port as number,
    close: async () => {
      app.host.drain.endStreams()
      await app.host.drain.whenIdle()
      await server.stop(true)
      await upkeep.close()
      await log.close()
    },
  }
}

interface Handed {
  receipt: string
  deliveries: number
  event: { data: { n: number }; partitionkey: string }
}

/** What the consumers of one test know together: nothing may be worked on twice at a time, or finished twice. */
class Book {
  readonly finished = new Map<number, number>()
  readonly wrong: string[] = []
  private readonly busy = new Map<string, number>()
  private readonly lastOf = new Map<string, number>()

  constructor(private readonly isOrdered: boolean) {}

  take({ event: { data, partitionkey } }: Handed) {
    const other = this.busy.get(partitionkey)
    if (this.isOrdered && other !== undefined) this.wrong.push(`${data.n} beside ${other} of ${partitionkey}`)
    const last = this.lastOf.get(partitionkey) ?? -1
    if (this.isOrdered && data.n < last) this.wrong.push(`${data.n} after ${last} of ${partitionkey}`)
    this.lastOf.set(partitionkey, data.n)
    this.busy.set(partitionkey, data.n)
  }

  /** Before it is settled or given back: from then on others may have it. */
  put({ event: { partitionkey } }: Handed) {
    this.busy.delete(partitionkey)
  }

  finish({ event: { data } }: Handed, isOk: boolean) {
    if (isOk) this.finished.set(data.n, (this.finished.get(data.n) ?? 0) + 1)
  }
}

/** The same chances in every run. */
function dice(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

type Replica = Awaited<ReturnType<typeof replica>>
type Settle = (op: 'ack' | 'nack', handed: Handed) => Promise<boolean>

async function work(handed: Handed, { book, chance, settle }: { book: Book; chance: () => number; settle: Settle }) {
  book.take(handed)
  const op = chance() < 0.15 ? 'nack' : 'ack'
  book.put(handed)
  const isOk = await settle(op, handed)
  if (op === 'ack') book.finish(handed, isOk)
}

const all = 600
for (const ordering of ['none', 'key'] as const)
  test(`every event is finished exactly once by many consumers over three transports, ordering ${ordering}`, async () => {
    const replicas = [await replica(), await replica()] as [Replica, Replica]
    const [first] = replicas
    const topic = `together-${ordering}`
    const at = `/v1/topics/${topic}/groups/g`
    await first.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 3 } })
    await first.ask('PUT', at, { body: { leaseMs: 2_000, deliveriesMax: 1_000, ordering, inFlightMax: 60 } })
    const book = new Book(ordering === 'key')
    const chance = dice(7)
    const isDone = () => book.finished.size === all
    const over = new AbortController()
    const overHttp =
      ({ ask }: Replica): Settle =>
      async (op, { receipt }) => {
        const delayMs = op === 'nack' ? { delayMs: 0 } : {}
        const { body } = await ask('POST', `${at}/settle`, { body: { settlements: [{ receipt, op, ...delayMs }] } })
        return body.results[0].ok
      }

    const puller = async (one: Replica) => {
      const settle = overHttp(one)
      while (!isDone()) {
        const { body } = await one.ask('POST', `${at}/pull`, { body: { max: 3, waitMs: 100 } })
        for (const handed of body.deliveries) await work(handed, { book, chance, settle })
      }
    }
    // Settles at the other replica: the books are the group's, not the connection's.
    const streamer = async (one: Replica, other: Replica) => {
      const settle = overHttp(other)
      while (!isDone()) {
        const url = `http://127.0.0.1:${one.port}/v1/topics/${topic}/stream?group=g&credit=5`
        const headers = { authorization: `Bearer ${one.key}` }
        const { body } = await fetch(url, { headers, signal: over.signal })
        let left = 20
        for await (const { event, data } of readSse(body as ReadableStream<Uint8Array>)) {
          if (event.startsWith('mq.') || event === 'end') continue
          await work(JSON.parse(data), { book, chance, settle })
          // Hangs up now and then, with deliveries in the pipe that nobody has looked at.
          if (--left === 0) break
        }
      }
    }
    const talker = async (one: Replica) => {
      while (!isDone()) {
        const socket = await openSocket(`ws://127.0.0.1:${one.port}/v1/ws`, { authorization: `Bearer ${one.key}` })
        over.signal.addEventListener('abort', () => socket.close(), { once: true })
        socket.say({ op: 'sub', sub: 's', topic, group: 'g', credit: 4 })
        const settle: Settle = async (op, { receipt }) => {
          const done: Frame = await socket.ask({ op, sub: 's', receipts: [receipt] })
          return done.results[0].ok
        }
        for (let left = 25; left > 0; left--)
          await work((await socket.next(({ op }) => op === 'event')) as never, { book, chance, settle })
        socket.close()
      }
    }
    const quiet = (worker: Promise<void>) =>
      worker.catch((error) => {
        if (!isDone()) throw error
      })
    const workers = replicas.flatMap((one, n) => [
      ...[quiet(puller(one)), quiet(puller(one))],
      ...[quiet(streamer(one, replicas[1 - n] as Replica)), quiet(talker(one)), quiet(talker(one))],
    ])
    const events = Array.from({ length: all }, (_, n) => ({ type: 't', partitionkey: `k${n % 40}`, data: { n } }))
    for (let n = 0; n < all; n += 50)
      await first.ask('POST', `/v1/topics/${topic}/events`, { body: events.slice(n, n + 50) })
    const watch = setInterval(() => {
      if (isDone()) over.abort()
    }, 20)
    await Promise.all(workers)
    clearInterval(watch)
    expect(book.wrong).toEqual([])
    expect([...book.finished.values()].filter((times) => times !== 1)).toEqual([])
    expect(book.finished.size).toBe(all)
    for (const one of replicas) await one.close()
    const log = openLog({ redisUrl: redis.url })
    expect(await log.lag({ tenant: 'acme', topic, group: 'g' })).toMatchObject({
      ready: 0,
      leased: 0,
      parked: 0,
      dead: 0,
    })
    await log.close()
  }, 60_000)
