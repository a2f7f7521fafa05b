import { afterEach, describe, expect, test } from 'bun:test'
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { event, numberOf, until } from './conformance.ts'
import { partitionKeys } from './names.ts'
import type { Delivery, EventLog, TailItem } from './port.ts'
import { openLog } from './redis-streams.ts'

/** What happens when Redis comes back from a crash without the last things it had acknowledged. */
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

const address = { tenant: 'acme', topic: 'orders' }
const group = { ...address, group: 'workers' }
const keys = partitionKeys(address, 0)

async function start() {
  const server = await startRedis({ appendfsync: 'always' })
  open.push(server)
  const redis = openRedis(server.url, { name: 'test' })
  open.push({ close: () => redis.disconnect() })
  const dir = (await redis.config('GET', 'dir'))[1] as string
  return { server, redis, dir }
}

function logOn(server: TestRedis): EventLog {
  const log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
  open.push(log)
  return log
}

/** The file that holds the newest commands. */
function tailFile(dir: string): string {
  const folder = join(dir, 'appendonlydir')
  const name = readdirSync(folder).find((one) => one.endsWith('.incr.aof')) as string
  return join(folder, name)
}

/** Appends `kept` and then `lost` events, and lets Redis forget the latter as a crash before the disk would. */
async function losing(
  log: EventLog,
  { server, dir }: Awaited<ReturnType<typeof start>>,
  { more = async () => {}, beforeKill = async () => {} } = {},
) {
  await log.append(address, [event(1), event(2)])
  await more()
  const { size } = statSync(tailFile(dir))
  await log.append(address, [event(3)])
  await log.append(address, [event(4)])
  const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
  await beforeKill()
  await server.kill9()
  truncateSync(tailFile(dir), size)
  return { cursor, restart: () => server.restart() }
}

const epochOf = (redis: Awaited<ReturnType<typeof start>>['redis']) =>
  until(() =>
    redis.hget(keys.meta, 'epoch').then(
      (epoch) => epoch ?? undefined,
      () => undefined,
    ),
  )

describe('Redis loses its tail', () => {
  test('a process that remembers gives the partition a new epoch when Redis is back', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1 })
    const before = await epochOf(all.redis)
    const { restart, cursor } = await losing(log, all)
    await restart()
    await until(async () => (await epochOf(all.redis)) !== before)
    await log.append(address, [event(5)])
    const page = await log.read(address, { from: { cursor }, limit: 10 })
    expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([5])
    expect(page.gaps).toMatchObject([{ reason: 'epoch_changed', partition: 0 }])
    expect(await log.read(address, { from: { cursor: page.cursor }, limit: 10 })).toMatchObject({ gaps: [] })
  })

  test('where nobody remembers, the cursor of a reader finds out', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1 })
    const { restart, cursor } = await losing(log, all)
    await log.close()
    await restart()
    const later = logOn(all.server)
    const [put] = await until(() => later.append(address, [event(5)]).catch(() => undefined))
    expect(put).toMatchObject({ ok: true })
    const page = await later.read(address, { from: { cursor }, limit: 10 })
    expect(page.gaps).toMatchObject([{ reason: 'epoch_changed' }])
    expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([5])
    await later.putGroup(group)
    await expect(later.seek(group, { cursor })).rejects.toMatchObject({ code: 'epoch_changed' })
  })

  test('a reader whose place was not lost goes on without a gap and without a repeat', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1 })
    const before = await epochOf(all.redis)
    let cursor = ''
    const more = async () => {
      ;({ cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 1 }))
    }
    const { restart } = await losing(log, all, { more })
    await restart()
    await until(async () => (await epochOf(all.redis)) !== before)
    await log.append(address, [event(5)])
    const page = await log.read(address, { from: { cursor }, limit: 10 })
    expect(page.gaps).toEqual([])
    expect(page.entries.map((entry) => numberOf({ entry }))).toEqual([2, 5])
  })

  test('a live tail is told, and goes on', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1 })
    const before = await epochOf(all.redis)
    const stopping = new AbortController()
    const items: TailItem[] = []
    const tail = (async () => {
      for await (const item of log.tail(address, { from: { at: 'earliest' }, signal: stopping.signal }))
        items.push(item)
    })()
    const beforeKill = () => until(async () => items.filter(({ kind }) => kind === 'entry').length === 4).then(() => {})
    const { restart } = await losing(log, all, { beforeKill })
    await restart()
    // What is appended before the loss is known comes again after the gap.
    await until(async () => (await epochOf(all.redis)) !== before)
    await until(() => log.append(address, [event(5)]).catch(() => undefined))
    await until(async () => items.some(({ kind }) => kind === 'gap'))
    await until(async () => items.filter(({ kind }) => kind === 'entry').length === 5)
    expect(items.flatMap((item) => (item.kind === 'entry' ? [numberOf(item)] : []))).toEqual([1, 2, 3, 4, 5])
    stopping.abort()
    await tail
  })

  test('a receipt from before settles nothing after, though its entry and its count are the same again', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1 })
    await log.putGroup(group)
    const before = await epochOf(all.redis)
    let stale: Delivery[] = []
    await log.append(address, [event(1)])
    const { size } = statSync(tailFile(all.dir))
    stale = await log.pull(group, { max: 10, waitMs: 0 })
    await log.append(address, [event(2)])
    await all.server.kill9()
    truncateSync(tailFile(all.dir), size)
    await all.server.restart()
    await until(async () => (await epochOf(all.redis)) !== before)
    const again = await until(() => log.pull(group, { max: 10, waitMs: 0 }).catch(() => undefined))
    expect(again).toMatchObject([{ deliveries: 1, entry: { streamId: stale[0]?.entry.streamId } }])
    const receipts = [...stale, ...again].map(({ receipt }) => ({ op: 'ack' as const, receipt }))
    expect(await log.settle(group, receipts)).toMatchObject([{ code: 'lease_lost' }, { ok: true }])
  })

  test('nothing changes when Redis comes back whole, or retention removed what a process remembers', async () => {
    const all = await start()
    const log = logOn(all.server)
    await log.createTopic(address, { partitions: 1, retention: { maxEvents: 0 } })
    const before = await epochOf(all.redis)
    await log.append(address, [event(1)])
    const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
    await until(async () => {
      await log.sweep()
      return (await log.size(address)) === 0
    })
    await all.server.kill9()
    await all.server.restart()
    await until(() => log.append(address, [event(2)]).catch(() => undefined))
    const page = await log.read(address, { from: { cursor }, limit: 10 })
    expect(page).toMatchObject({ gaps: [] })
    expect(await epochOf(all.redis)).toBe(before)
  })
})
