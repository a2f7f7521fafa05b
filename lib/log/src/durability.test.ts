import { afterEach, describe, expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { event, until } from './conformance.ts'
import { partitionKeys } from './names.ts'
import type { Appended, EventLog } from './port.ts'
import { openLog } from './redis-streams.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function start(options: Parameters<typeof startRedis>[0] = {}): Promise<TestRedis> {
  const server = await startRedis(options)
  // A server that is asked to stop waits for its replicas, and a replica for its first append-only file.
  open.push({ close: () => server.kill9().then(() => server.close()) })
  return server
}

function redisOn(server: TestRedis) {
  const redis = openRedis(server.url, { name: 'test' })
  open.push({ close: () => redis.disconnect() })
  return redis
}

const address = { tenant: 'acme', topic: 'orders' }
const { stream } = partitionKeys(address, 0)

async function logOn(server: TestRedis): Promise<EventLog> {
  const log = openLog({ redisUrl: server.url })
  open.push(log)
  await log.createTopic(address, { partitions: 1 })
  return log
}

/** A server with a replica that is in step. */
async function pair() {
  const primary = await start({ args: ['--repl-diskless-sync-delay', '0'] })
  const replica = await start({ args: ['--replicaof', '127.0.0.1', String(primary.port)] })
  const [ask, askReplica] = [redisOn(primary), redisOn(replica)]
  const untilInStep = () => until(async () => /^slave0:.*state=online/m.test(await ask.info('replication')))
  await untilInStep()
  return { primary, replica, ask, askReplica, untilInStep, log: await logOn(primary) }
}

const reached = (outcome: Appended | undefined) => outcome?.ok && outcome.durability
const wish = { durability: { replicas: 1 } }

describe('a receipt says what the server gives by itself', () => {
  test.each([
    ['memory', { args: ['--appendonly', 'no'] }],
    ['aof', { appendfsync: 'everysec' }],
    ['fsync', { appendfsync: 'always' }],
  ] as const)('%s', async (level, options) => {
    const log = await logOn(await start({ ...options, args: [...('args' in options ? options.args : [])] }))
    const [outcome] = await log.append(address, [event(1)])
    expect(reached(outcome)).toEqual({ level, replicas: 0 })
    const [asked] = await log.append(address, [event(2)], { durability: { level } })
    expect(reached(asked)).toEqual({ level, replicas: 0 })
  })

  test('a change of the server’s settings is noticed', async () => {
    const server = await start()
    const log = await logOn(server)
    await redisOn(server).config('SET', 'appendfsync', 'always')
    await until(async () => {
      const [outcome] = await log.append(address, [event(1)])
      return outcome?.ok && outcome.durability.level === 'fsync'
    })
  })

  test('a server that refuses CONFIG is only trusted with what INFO shows', async () => {
    const log = await logOn(await start({ appendfsync: 'always', args: ['--rename-command', 'CONFIG', ''] }))
    const [outcome] = await log.append(address, [event(1)])
    expect(reached(outcome)).toEqual({ level: 'aof', replicas: 0 })
  })
})

describe('what is asked for is reached or refused', () => {
  test('a disk that is written once a second cannot promise fsync, unless the server can wait for it', async () => {
    const server = await start()
    const log = await logOn(server)
    const [command] = (await redisOn(server).call('COMMAND', 'INFO', 'WAITAOF')) as unknown[]
    const answer = await log.append(address, [event(1)], { durability: { level: 'fsync' } }).catch((error) => error)
    if (command) expect(answer).toMatchObject([{ durability: { level: 'fsync' } }])
    else expect(answer).toMatchObject({ code: 'durability_unavailable' })
    expect(await log.size(address)).toBe(command ? 1 : 0)
  })

  test('when replicas=1 is answered the replica has the event', async () => {
    const { log, askReplica } = await pair()
    for (let n = 0; n < 20; n++) {
      const [outcome] = await log.append(address, [event(n)], wish)
      expect(reached(outcome)).toEqual({ level: 'aof', replicas: 1 })
      expect(await askReplica.xlen(stream)).toBe(n + 1)
    }
  })

  test('two replicas are one too many', async () => {
    const { log } = await pair()
    const answer = log.append(address, [event(1)], { durability: { replicas: 2 } })
    await expect(answer).rejects.toMatchObject({ code: 'durability_unavailable' })
    expect(await log.size(address)).toBe(0)
  })

  test('many publishers share one wait', async () => {
    const { log, ask } = await pair()
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, n) => log.append(address, [event(n)], wish)))
    expect(outcomes.every(([outcome]) => outcome?.ok && outcome.durability.replicas === 1)).toBe(true)
    const waits = Number(/cmdstat_wait:calls=(\d+)/.exec(await ask.info('commandstats'))?.[1])
    expect(waits).toBeLessThan(50)
  })

  test('once the replica is gone replicas=1 is refused, and plain publishing goes on', async () => {
    const { log, replica, ask } = await pair()
    await log.append(address, [event(1)], wish)
    await replica.kill9()
    await until(async () => /connected_slaves:0/.test(await ask.info('replication')))
    await until(
      async () =>
        (await log.append(address, [event(2)], wish).catch((error) => error)).code === 'durability_unavailable',
    )
    const before = await log.size(address)
    await expect(log.append(address, [event(3)], wish)).rejects.toMatchObject({ code: 'durability_unavailable' })
    expect(await log.size(address)).toBe(before)
    expect(await log.append(address, [event(4)])).toMatchObject([{ ok: true, durability: { replicas: 0 } }])
  })

  test('a replica that does not answer leaves the outcome unknown; the retry finds the event and its true durability', async () => {
    const { log, replica } = await pair()
    const keyed = event(1, { idempotency: { key: 'k', bodyHash: 'a' } })
    process.kill(replica.pid, 'SIGSTOP')
    const answer = log.append(address, [keyed], wish).catch((error) => error)
    // A publish that asks for less is not held up by one that waits.
    expect(await log.append(address, [event(2)])).toMatchObject([{ ok: true }])
    expect(await answer).toMatchObject({ code: 'outcome_unknown' })
    const retry = log.append(address, [keyed], wish).catch((error) => error)
    expect(await retry).toMatchObject({ code: 'outcome_unknown' })
    process.kill(replica.pid, 'SIGCONT')
    const [again] = await until(() => log.append(address, [keyed], wish).catch(() => undefined))
    expect(again).toMatchObject({ ok: true, isDuplicate: true, durability: { replicas: 1 } })
    expect(await log.size(address)).toBe(2)
  }, 30_000)

  test('the primary dies under replicas=1: what was acknowledged is on the promoted replica', async () => {
    const { log, primary, replica, askReplica } = await pair()
    const acked = new Set<string>()
    const publishers = Array.from({ length: 4 }, async (_, p) => {
      for (let n = 0; ; n++) {
        const [outcome] = await log.append(address, [event(p * 10_000 + n)], wish).catch(() => [])
        if (!outcome?.ok) return
        acked.add(outcome.streamId)
      }
    })
    await until(async () => acked.size > 200)
    await primary.kill9()
    await Promise.all(publishers)
    await askReplica.replicaof('NO', 'ONE')
    const kept = new Set(((await askReplica.xrange(stream, '-', '+')) as [string, string[]][]).map(([id]) => id))
    expect([...acked].filter((id) => !kept.has(id))).toEqual([])
    expect(replica.pid).toBeGreaterThan(0)
  })
})
