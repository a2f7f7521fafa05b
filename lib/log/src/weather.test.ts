import { afterEach, describe, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { event, numberOf, until } from './conformance.ts'
import { partitionKeys } from './names.ts'
import type { Delivery, EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'

/** What only a real Redis can go through. */
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function start(options: Parameters<typeof startRedis>[0] = {}): Promise<{ server: TestRedis; redis: Redis }> {
  const server = await startRedis(options)
  open.push(server)
  const redis = openRedis(server.url, { name: 'test' })
  open.push({ close: () => redis.disconnect() })
  return { server, redis }
}

function logOn(server: TestRedis): EventLog {
  const log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
  open.push(log)
  return log
}

const address = { tenant: 'acme', topic: 'orders' }
const group = { ...address, group: 'workers' }
const keys = partitionKeys(address, 0)

/** Counts what Redis was asked since the last look. */
async function calls(redis: Redis, command: string): Promise<number> {
  const stats = await redis.info('commandstats')
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

describe('Redis dies', () => {
  test('no acknowledged append is lost and none is there twice, whatever was in flight', async () => {
    const { server } = await start({ appendfsync: 'always' })
    const log = logOn(server)
    await log.createTopic(address)
    const acked = new Set<number>()
    const unknown = new Set<number>()
    for (let round = 0; round < 3; round++) {
      let isOver = false
      const publisher = async (first: number) => {
        for (let n = first; !isOver; n += 8) {
          const id = round * 1_000_000 + n
          await log.append(address, [event(id)]).then(
            () => acked.add(id),
            (error: { code: string }) => error.code === 'outcome_unknown' && unknown.add(id),
          )
        }
      }
      const publishers = Promise.all(Array.from({ length: 8 }, (_, first) => publisher(first)))
      await until(async () => acked.size > (round + 1) * 300)
      await server.kill9()
      await server.restart()
      const before = acked.size
      await until(async () => acked.size > before)
      isOver = true
      await publishers
    }
    const seen: number[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await log.read(address, { from: cursor ? { cursor } : { at: 'earliest' }, limit: 1_000 })
      seen.push(...page.entries.map((entry) => numberOf({ entry })))
      cursor = page.cursor
      if (page.isEnd) break
    }
    const kept = new Set(seen)
    expect(seen.length).toBe(kept.size)
    expect([...acked].filter((id) => !kept.has(id))).toEqual([])
    expect([...kept].filter((id) => !acked.has(id) && !unknown.has(id))).toEqual([])
  })

  test('an append in flight is answered outcome_unknown, one given while Redis is away store_unavailable', async () => {
    const { server } = await start()
    const log = logOn(server)
    await log.append(address, [event(0)], { create: true })
    process.kill(server.pid, 'SIGSTOP')
    const inFlight = log.append(address, [event(1)]).catch((error: unknown) => error)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    await server.kill9()
    expect(await inFlight).toMatchObject({ code: 'outcome_unknown' })
    expect(await log.append(address, [event(2)]).catch((error: unknown) => error)).toMatchObject({
      code: 'store_unavailable',
    })
    await server.restart()
  })

  test('a retry with the same key after outcome_unknown leaves one entry', async () => {
    const { server } = await start({ appendfsync: 'always' })
    const log = logOn(server)
    await log.createTopic(address)
    const keyed = event(1, { idempotency: { key: 'k', bodyHash: 'a' } })
    await log.append(address, [keyed])
    await server.kill9()
    await server.restart()
    const [again] = await until(() => log.append(address, [keyed]).catch(() => undefined))
    expect(again).toMatchObject({ ok: true, isDuplicate: true })
    expect(await log.size(address)).toBe(1)
  })

  test('waiting pulls and tails go on by themselves when Redis is back', async () => {
    const { server } = await start({ appendfsync: 'always' })
    const log = logOn(server)
    await log.createTopic(address)
    await log.putGroup(group)
    const stopping = new AbortController()
    const tail = log.tail(address, { from: { at: 'latest' }, signal: stopping.signal })[Symbol.asyncIterator]()
    await tail.next()
    const waiting = log
      .pull(group, { max: 1, waitMs: 600_000 })
      .catch(() => log.pull(group, { max: 1, waitMs: 600_000 }))
    await server.restart()
    await until(() => log.append(address, [event(5)]).catch(() => undefined))
    expect((await waiting).map(numberOf)).toEqual([5])
    expect((await tail.next()).value).toMatchObject({ kind: 'entry' })
    stopping.abort()
  })
})

describe('Redis loses what it knew', () => {
  test('a script cache that was emptied is filled again', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.append(address, [event(1)], { create: true })
    await redis.script('FLUSH')
    await log.append(address, [event(2)])
    expect(await log.size(address)).toBe(2)
  })

  test('a group that was destroyed is made again where everything below was settled', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group)
    await log.append(address, [event(0), event(1), event(2)])
    const [first, second] = (await log.pull(group, { max: 2, waitMs: 0 })) as [Delivery, Delivery]
    await log.settle(group, [{ op: 'ack', receipt: first.receipt }])
    await log.sweep()
    await redis.xgroup('DESTROY', keys.stream, 'workers')
    const again = await log.pull(group, { max: 10, waitMs: 0 })
    expect(again.map(numberOf)).toEqual([1, 2])
    expect(await log.settle(group, [{ op: 'ack', receipt: second.receipt }])).toMatchObject([{ code: 'lease_lost' }])
  })

  test('after FLUSHALL topics and groups in use come back, and a reader is told that its place is gone', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group)
    await log.append(address, [event(0)])
    const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
    await redis.flushall()
    await log.append(address, [event(1)])
    expect((await log.pull(group, { max: 10, waitMs: 0 })).map(numberOf)).toEqual([1])
    const page = await log.read(address, { from: { cursor }, limit: 10 })
    expect(page.gaps).toMatchObject([{ reason: 'epoch_changed', to: '0-0' }])
    expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([1])
    expect(await log.groups(address)).toMatchObject([{ group: 'workers' }])
  })

  test('a dead letter that a group made anew has before it or under lease is not handed out twice', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group)
    await log.append(address, [event(0), event(1)])
    const deliveries = await log.pull(group, { max: 2, waitMs: 0 })
    await log.settle(
      group,
      deliveries.map(({ receipt }) => ({ op: 'term', receipt })),
    )
    const { letters } = await log.deadLetters(group, { limit: 10, order: 'oldest' })
    await redis.xgroup('DESTROY', keys.stream, 'workers')
    expect((await log.pull(group, { max: 1, waitMs: 0 })).map(numberOf)).toEqual([0])
    const places = letters.map(({ entry: { partition }, streamId }) => ({ partition, streamId }))
    expect(await log.redrive(group, { places })).toBe(2)
    expect((await log.pull(group, { max: 10, waitMs: 0 })).map(numberOf)).toEqual([1])
    expect(await log.pull(group, { max: 10, waitMs: 0 })).toEqual([])
  })

  test('events of which some were kept are not refused as if none had been', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 2 })
    await redis.set(partitionKeys(address, 1).stream, 'no stream')
    const many = Array.from({ length: 20 }, (_, n) => event(n, { partitionkey: `${n}` }))
    await expect(log.append(address, many)).rejects.toMatchObject({ code: 'outcome_unknown' })
  })

  test('retention waits for a group that was destroyed, until it is made again and has settled', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1, retention: { maxEvents: 2 } })
    await log.putGroup(group)
    await log.append(
      address,
      Array.from({ length: 10 }, (_, n) => event(n)),
    )
    await redis.xgroup('DESTROY', keys.stream, 'workers')
    expect((await log.sweep()).trimmed).toBe(0)
    const deliveries = await log.pull(group, { max: 10, waitMs: 0 })
    expect(deliveries.map(numberOf)).toEqual([...Array(10).keys()])
    await log.settle(
      group,
      deliveries.map(({ receipt }) => ({ op: 'ack', receipt })),
    )
    expect((await log.sweep()).trimmed).toBe(8)
    await log.deleteGroup(group)
    await log.append(address, [event(10), event(11)])
    expect((await log.sweep()).trimmed).toBe(2)
  })

  test('a live reader that loses its line after any frame, also amid resets, misses nothing and sees nothing twice', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 3 })
    const give = (from: number) =>
      log.append(
        address,
        Array.from({ length: 9 }, (_, n) => event(from + n, { partitionkey: `${n}` })),
      )
    await give(0)
    const seen: number[] = []
    const gaps: number[] = []
    let cursor: string | undefined
    const readOne = async () => {
      const stopping = new AbortController()
      const from = cursor === undefined ? { at: 'earliest' as const } : { cursor }
      for await (const item of log.tail(address, { from, signal: stopping.signal })) {
        cursor = item.cursor
        if (item.kind === 'entry') seen.push(numberOf(item))
        if (item.kind === 'gap') gaps.push(item.gap.partition)
        if (item.kind !== 'ready') return
      }
    }
    while (seen.length < 9) await readOne()
    await redis.flushall()
    await give(100)
    while (seen.length < 18) await readOne()
    const wanted = [...Array(9).keys(), ...Array.from({ length: 9 }, (_, n) => 100 + n)]
    expect(seen.toSorted((a, b) => a - b)).toEqual(wanted)
    expect(new Set(gaps).size).toBe(gaps.length)
  })

  test('a topic that another process deleted is not brought back by one that remembers it', async () => {
    const { server } = await start()
    const [log, other] = [logOn(server), logOn(server)]
    await log.createTopic(address)
    await log.putGroup(group)
    await log.append(address, [event(0)])
    await other.deleteTopic(address)
    await expect(log.append(address, [event(1)])).rejects.toMatchObject({ code: 'topic_not_found' })
    await expect(log.pull(group, { max: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'group_not_found' })
    expect(await other.topics('acme')).toEqual([])
  })

  test('a full Redis refuses appends in words and keeps none of them', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address)
    await redis.config('SET', 'maxmemory', '1mb')
    await expect(log.append(address, [event(1)])).rejects.toMatchObject({ code: 'storage_full' })
    await redis.config('SET', 'maxmemory', '0')
    expect(await log.size(address)).toBe(0)
  })
})

describe('the doorbell', () => {
  test('a thousand waiters block nothing in Redis and cost it no more reads than one', async () => {
    const { server, redis } = await start()
    const [log, other] = [logOn(server), logOn(server)]
    await log.createTopic(address)
    await log.putGroup(group)
    const waiters = Array.from({ length: 1_000 }, () => log.pull(group, { max: 1, waitMs: 600_000 }))
    // The first look of the reader is over when nothing is asked of Redis any more but the sweep's four partitions.
    await until(async () => (await calls(redis, 'xreadgroup')) >= 4)
    expect(await redis.info('clients')).toContain('blocked_clients:0')
    const before = await calls(redis, 'xreadgroup')
    await other.append(
      address,
      Array.from({ length: 1_000 }, (_, n) => event(n, { partitionkey: `${n}` })),
    )
    const got = (await Promise.all(waiters)).flat()
    expect(new Set(got.map(numberOf)).size).toBe(1_000)
    expect((await calls(redis, 'xreadgroup')) - before).toBeLessThan(100)
  })

  test('a waiter hears of an append in another process, also over a new connection', async () => {
    const { server, redis } = await start()
    const [log, other] = [logOn(server), logOn(server)]
    await log.createTopic(address)
    await log.putGroup(group)
    const waiting = log.pull(group, { max: 1, waitMs: 600_000 })
    await until(async () => (await redis.pubsub('NUMSUB', 'mq:bell:acme:orders'))[1] === 1)
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await other.append(address, [event(9)])
    expect((await waiting).map(numberOf)).toEqual([9])
  })
})

describe('the books', () => {
  test('an entry is in the group or in its dead letters, never in both and never in neither', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group, { leaseMs: 5, deliveriesMax: 3 })
    await log.append(
      address,
      Array.from({ length: 300 }, (_, n) => event(n)),
    )
    const looks: number[] = []
    await until(async () => {
      await log.pull(group, { max: 100, waitMs: 0 })
      await log.sweep()
      const results = await redis
        .multi()
        .xpending(keys.stream, 'workers')
        .xlen(keys.dead('workers'))
        .xinfo('GROUPS', keys.stream)
        .exec()
      const [pending, dead, groups] = (results ?? []).map(([, value]) => value) as [[number], number, [unknown[]]]
      const info = groups[0]
      looks.push(pending[0] + dead + Number(info[info.indexOf('lag') + 1]))
      return dead === 300
    })
    expect(new Set(looks)).toEqual(new Set([300]))
    expect((await log.deadLetters(group, { limit: 1_000 })).letters.map(numberOf).toSorted((a, b) => a - b)).toEqual([
      ...Array(300).keys(),
    ])
  })

  test('a receipt settles nothing once its entry was given back, in any order of many receipts', async () => {
    const { server } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group)
    await log.append(
      address,
      Array.from({ length: 600 }, (_, n) => event(n)),
    )
    const pullAll = async () => {
      const got: Delivery[] = []
      while (got.length < 600) got.push(...(await log.pull(group, { max: 300, waitMs: 0 })))
      return got
    }
    const settleAll = (op: 'ack' | 'nack', deliveries: Delivery[]) =>
      log.settle(
        group,
        deliveries.map(({ receipt }) => ({ op, receipt })),
      )
    const stale = await pullAll()
    expect((await settleAll('nack', stale)).every(({ ok }) => ok)).toBe(true)
    const current = await pullAll()
    const mixed = [...stale, ...current].sort((a, b) => ((numberOf(a) * 7919) % 601) - ((numberOf(b) * 7919) % 601))
    const outcomes = await settleAll('ack', mixed)
    expect(outcomes.map(({ ok }) => ok)).toEqual(mixed.map((delivery) => current.includes(delivery)))
    expect(await log.lag(group)).toMatchObject({ ready: 0, leased: 0, parked: 0, dead: 0 })
  })

  test('upkeep has one owner; one that was replaced does nothing more', async () => {
    const { server, redis } = await start()
    const [log, other] = [logOn(server), logOn(server)]
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group, { leaseMs: 1 })
    expect((await log.sweep()).isOwner).toBe(true)
    expect((await other.sweep()).isOwner).toBe(false)
    await redis.del('mq:{sweep}:own')
    await log.append(address, [event(1)])
    await log.pull(group, { max: 1, waitMs: 0 })
    await until(async () => (await other.sweep()).expired === 1)
    expect(Number(await redis.hget(keys.meta, 'fence'))).toBe(2)
    expect((await log.sweep()).isOwner).toBe(false)
  })
})

describe('upkeep', () => {
  const acked = async (log: EventLog, count: number) => {
    const got = await log.pull(group, { max: count, waitMs: 0 })
    await log.settle(
      group,
      got.map(({ receipt }) => ({ op: 'ack', receipt })),
    )
  }

  test('the books balance through every way an entry can go, and an entry that vanishes is missed', async () => {
    const { server, redis } = await start()
    const log = logOn(server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group, { leaseMs: 20, deliveriesMax: 2, filter: { where: 'data.n != 3' } })
    const unbalanced = async () => (await openLogNow(server).sweep()).unbalanced
    await log.append(
      address,
      Array.from({ length: 20 }, (_, n) => event(n)),
    )
    expect(await unbalanced()).toBe(0)
    await acked(log, 5)
    expect(await unbalanced()).toBe(0)
    const [one, two] = (await log.pull(group, { max: 2, waitMs: 0 })) as [Delivery, Delivery]
    await log.settle(group, [
      { op: 'term', receipt: one.receipt },
      { op: 'nack', receipt: two.receipt },
    ])
    expect(await unbalanced()).toBe(0)
    const { letters } = await log.deadLetters(group, { limit: 10 })
    await log.redrive(group, {
      places: letters.map(({ streamId }) => ({ partition: 0, streamId })),
    })
    expect(await unbalanced()).toBe(0)
    await until(async () => {
      await log.pull(group, { max: 100, waitMs: 0 })
      await log.sweep()
      return (await log.lag(group)).dead >= 14
    })
    expect(await unbalanced()).toBe(0)
    await log.append(address, [event(100), event(101)])
    await log.pull(group, { max: 2, waitMs: 0 })
    await redis.xgroup('DELCONSUMER', keys.stream, 'workers', 'live')
    expect(await unbalanced()).toBe(2)
  })

  /** Another owner, who knows nothing and looks at everything at once. */
  function openLogNow(server: TestRedis) {
    const log = logOn(server)
    return {
      sweep: async () => {
        const redis = openRedis(server.url, { name: 'test' })
        await redis.del('mq:{sweep}:own')
        redis.disconnect()
        return log.sweep()
      },
    }
  }

  test('an owner hears of topics and groups that others make, change and delete', async () => {
    const { server, redis } = await start()
    const [owner, other] = [logOn(server), logOn(server)]
    expect((await owner.sweep()).isOwner).toBe(true)
    await other.createTopic(address, { partitions: 1 })
    await other.putGroup(group, { leaseMs: 60_000 })
    await other.append(address, [event(1), event(2)])
    await other.pull(group, { max: 1, waitMs: 0 })
    await owner.sweep()
    await other.putGroup(group, { leaseMs: 1 })
    await until(async () => (await owner.sweep()).expired === 1)
    await other.changeTopic(address, { retention: { maxEvents: 0 } })
    await other.deleteGroup(group)
    await until(async () => (await owner.sweep()).trimmed === 2)
    const before = await calls(redis, 'hvals')
    for (let n = 0; n < 20; n++) await owner.sweep()
    expect(await calls(redis, 'hvals')).toBe(before)
  })
})
