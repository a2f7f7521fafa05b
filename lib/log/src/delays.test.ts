import { afterEach, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { event, numberOf, until } from './conformance.ts'
import { dueKey } from './names.ts'
import type { EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function start(options: Parameters<typeof startRedis>[0] = {}) {
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

/** Promotes without an end, as the service does; stops with the test. */
function keepPromoting(log: EventLog) {
  const stopping = new AbortController()
  const done = (async () => {
    while (!stopping.signal.aborted) await log.promote({ waitMs: 1_000, signal: stopping.signal }).catch(() => {})
  })()
  open.push({
    close: async () => {
      stopping.abort()
      await done
    },
  })
}

const address = { tenant: 'acme', topic: 'orders' }

async function readAll(log: EventLog): Promise<number[]> {
  const seen: number[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await log.read(address, { from: cursor ? { cursor } : { at: 'earliest' }, limit: 1_000 })
    seen.push(...page.entries.map((entry) => numberOf({ entry })))
    cursor = page.cursor
    if (page.isEnd) return seen
  }
}

test('Redis dies again and again under two promoters: each delayed event that was acknowledged is there once', async () => {
  const { server } = await start({ appendfsync: 'always' })
  const [log, other] = [logOn(server), logOn(server)]
  await log.createTopic(address)
  keepPromoting(log)
  keepPromoting(other)
  const acked = new Set<number>()
  const unknown = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const publishers = Array.from({ length: 100 }, async (_, p) => {
      for (let n = 0; n < 4; n++) {
        const id = round * 1_000 + p * 4 + n
        await log.appendLater(address, [event(id)], { due: { delayMs: 10 * ((id * 7) % 40) } }).then(
          () => acked.add(id),
          (error: { code: string }) => error.code === 'outcome_unknown' && unknown.add(id),
        )
      }
    })
    await until(async () => acked.size > round * 200 + 100)
    await server.kill9()
    await server.restart()
    await Promise.all(publishers)
  }
  await until(async () => {
    await log.sweep().catch(() => {})
    return (await log.delayed(address).catch(() => 1)) === 0
  })
  const seen = await readAll(log)
  expect(seen.length).toBe(new Set(seen).size)
  expect([...acked].filter((id) => !seen.includes(id))).toEqual([])
  expect(seen.filter((id) => !acked.has(id) && !unknown.has(id))).toEqual([])
})

test('a hint that is lost with the process that had it is found again by upkeep', async () => {
  const { server, redis } = await start()
  const log = logOn(server)
  await log.createTopic(address)
  await log.appendLater(address, [event(1)], { due: { delayMs: 1 } })
  await until(async () => (await redis.del(dueKey)) === 1)
  expect(await log.promote({ waitMs: 0 })).toBe(0)
  await log.sweep()
  await until(() => log.promote({ waitMs: 1_000 }))
  expect(await readAll(log)).toEqual([1])
})

test('a full Redis delays what is due, and loses none of it', async () => {
  const { server, redis } = await start()
  const log = logOn(server)
  await log.createTopic(address)
  await log.appendLater(address, [event(1)], { due: { delayMs: 1 } })
  await redis.config('SET', 'maxmemory', '1mb')
  await until(async () => (await log.promote({ waitMs: 100 }).catch((error) => error)).code === 'storage_full')
  await redis.config('SET', 'maxmemory', '0')
  await log.sweep()
  await until(() => log.promote({ waitMs: 1_000 }))
  expect(await readAll(log)).toEqual([1])
})
