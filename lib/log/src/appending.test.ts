import { afterEach, expect, test } from 'bun:test'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { event, numberOf, until } from './conformance.ts'
import { partitionKeys } from './names.ts'
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
  const log = openLog({ redisUrl: server.url })
  open.push(log)
  return log
}

const address = { tenant: 'acme', topic: 'orders' }
const keyed = (n: number) => event(n, { idempotency: { key: `key-${n}`, bodyHash: 'a' } })

test('any number of keys is remembered within the window', async () => {
  const { server } = await start()
  const log = logOn(server)
  await log.createTopic(address, { retention: { maxEvents: null } })
  const total = 30_000
  const appendAll = async () => {
    const outcomes = []
    for (let n = 0; n < total; n += 5_000)
      outcomes.push(
        ...(await log.append(
          address,
          Array.from({ length: 5_000 }, (_, m) => keyed(n + m)),
        )),
      )
    return outcomes.map((outcome) => outcome.ok && [outcome.isDuplicate, outcome.partition, outcome.streamId])
  }
  const first = await appendAll()
  const again = await appendAll()
  expect(again).toEqual(first.map((outcome) => outcome && [true, ...outcome.slice(1)]) as typeof again)
  expect(await log.size(address)).toBe(total)
}, 30_000)

test('a key is forgotten after its window, and takes no memory then', async () => {
  const { server, redis } = await start()
  const log = logOn(server)
  await log.createTopic(address, { partitions: 1, idempotencyWindowMs: 300 })
  await log.append(address, [keyed(1)])
  expect(await log.append(address, [keyed(1)])).toMatchObject([{ isDuplicate: true }])
  await until(async () => {
    const [outcome] = await log.append(address, [keyed(1)])
    return outcome?.ok && !outcome.isDuplicate
  })
  const { seen } = partitionKeys(address, 0)
  await until(async () => (await redis.exists(...seen)) === 0)
  expect(await log.size(address)).toBe(2)
})

test('an atomic append is whole after a crash that cut the append-only file anywhere', async () => {
  const { server, redis } = await start({ appendfsync: 'always' })
  const log = logOn(server)
  await log.createTopic(address, { partitions: 1 })
  await log.append(address, [event(-1)])
  const [, dir = ''] = (await redis.config('GET', 'dir')) as string[]
  const [, folder = ''] = (await redis.config('GET', 'appenddirname')) as string[]
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 20; n++) {
      const batch = Array.from({ length: 5 }, () => event(round * 100 + n))
      await until(() => log.append(address, batch, { isAtomic: true }).catch(() => undefined))
    }
    await server.kill9()
    const names = [...new Bun.Glob('*.incr.aof').scanSync(join(dir, folder))]
    const path = join(dir, folder, names.sort().at(-1) as string)
    truncateSync(path, Math.max(0, Bun.file(path).size - 37 - 113 * round))
    await server.restart()
    const { entries } = await until(() =>
      log.read(address, { from: { at: 'earliest' }, limit: 1_000 }).catch(() => undefined),
    )
    const counts = Map.groupBy(
      entries.filter((entry) => numberOf({ entry }) >= 0),
      (entry) => numberOf({ entry }),
    )
    expect(counts.size).toBeGreaterThan(10)
    expect(new Set([...counts.values()].map((own) => own.length))).toEqual(new Set([5]))
    // Redis leaves the first half of a cut transaction in the file, and would run it at the start after this one.
    await until(async () => {
      const info = await redis.info('persistence')
      return /aof_rewrites:[1-9]/.test(info) && /aof_rewrite_in_progress:0/.test(info)
    })
  }
}, 30_000)
