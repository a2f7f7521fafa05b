import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startCluster, type TestCluster } from '@santaclaude/testkit/redis-cluster'
import type { Redis } from 'ioredis'
import { event, eventLogConformance, numberOf, until } from './conformance.ts'
import { growthConformance } from './growth-conformance.ts'
import { insightConformance } from './insight-conformance.ts'
import { partitionKeys } from './names.ts'
import type { EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'
import { repairConformance } from './repair-conformance.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startCluster()
}, 60_000)
afterAll(() => cluster?.close())

const openHere = async () => {
  const log = openLog({ redisUrl: cluster.url, trimEveryMs: 0 })
  return { log, close: () => log.close() }
}
eventLogConformance('redis-streams on a Cluster', openHere)
insightConformance('redis-streams on a Cluster', openHere)
repairConformance('redis-streams on a Cluster', openHere)
growthConformance('redis-streams on a Cluster', openHere)

describe('a primary of the Cluster dies', () => {
  let log: EventLog
  let redis: Redis
  beforeAll(() => {
    log = openLog({ redisUrl: cluster.url, trimEveryMs: 0 })
    redis = openRedis(cluster.url, { name: 'test' })
  })
  afterAll(async () => {
    await log?.close()
    redis?.disconnect()
  })

  test('nothing acknowledged under replicas=1 is lost, and everything goes on by itself', async () => {
    const address = { tenant: 'acme', topic: 'failover' }
    const group = { ...address, group: 'workers' }
    await log.createTopic(address, { partitions: 12 })
    await log.putGroup(group)
    const acked = new Set<number>()
    const refusals = new Set<string>()
    let isOver = false
    const publisher = async (first: number) => {
      for (let n = first; !isOver; n += 4)
        await log.append(address, [event(n, { partitionkey: `${n}` })], { durability: { replicas: 1 } }).then(
          ([outcome]) => outcome?.ok && outcome.durability.replicas >= 1 && acked.add(n),
          ({ code }: { code: string }) => refusals.add(code),
        )
    }
    const publishers = Promise.all([0, 1, 2, 3].map(publisher))
    await until(async () => acked.size > 200)
    const dying = await cluster.primaryOf(partitionKeys(address, 0).stream)
    await dying.server.kill9()
    const before = acked.size
    // The server that took over has no replica of its own: what asks for less is served there.
    await until(async () => (await log.append(address, [event(-1)]).catch(() => [])).length > 0)
    const { stream } = partitionKeys(address, 0)
    await until(async () => (await redis.xlen(stream).catch(() => 0)) > 0)
    await until(async () => acked.size > before + 100)
    isOver = true
    await publishers
    expect([...refusals].filter((code) => !/unavailable|outcome_unknown/.test(code))).toEqual([])

    const seen = new Set<number>()
    await until(async () => {
      const deliveries = await log.pull(group, { max: 500, waitMs: 0 }).catch(() => [])
      for (const delivery of deliveries) seen.add(numberOf(delivery))
      return deliveries.length === 0 && seen.size >= acked.size
    })
    expect([...acked].filter((n) => !seen.has(n))).toEqual([])
    await dying.server.restart()
    await cluster.whole()
  }, 120_000)

  test('a replica without the tail takes over: readers are told, not left to skip or repeat', async () => {
    const address = { tenant: 'acme', topic: 'cut' }
    await log.createTopic(address, { partitions: 1 })
    const { stream, meta } = partitionKeys(address, 0)
    await log.append(address, [event(1)], { durability: { replicas: 1 } })
    const epoch = await redis.hget(meta, 'epoch')
    const dying = await cluster.primaryOf(stream)
    const replica = await cluster.replicaOf(dying)
    process.kill(replica.server.pid, 'SIGSTOP')
    await dying.ask.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await log.append(address, [event(2)])
    const { cursor } = await log.read(address, { from: { at: 'earliest' }, limit: 10 })
    await dying.server.kill9()
    process.kill(replica.server.pid, 'SIGCONT')
    await until(async () => (await log.append(address, [event(3)]).catch(() => [])).length > 0)
    const page = await until(() => log.read(address, { from: { cursor }, limit: 10 }).catch(() => undefined))
    expect(page.gaps).toMatchObject([{ reason: 'epoch_changed', partition: 0 }])
    expect(page.entries.map((entry) => numberOf({ entry }))).toContain(3)
    expect(await redis.hget(meta, 'epoch')).not.toBe(epoch)
    await dying.server.restart()
    await cluster.whole()
  }, 120_000)
})
