import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { Redis } from 'ioredis'
import { openRedis, wasNeverSent, whenReady } from './open.ts'

let server: TestRedis
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'always' })
})
afterAll(() => server.close())

/** How many commands the connection has on the wire without an answer: what a crash leaves in doubt. */
async function frozenInFlight(redis: Redis) {
  process.kill(server.pid, 'SIGSTOP')
  const appends = Array.from({ length: 20 }, (_, n) => redis.xadd('doubt', '*', 'n', String(n)))
  const outcomes = Promise.allSettled(appends)
  await server.kill9()
  await server.restart()
  return outcomes
}

describe('trap 7: ioredis sends commands in flight again after a reconnect', () => {
  test('a command in flight when Redis dies is refused, not sent again', async () => {
    const redis = openRedis(server.url, { name: 'test' })
    await whenReady(redis, 5_000)
    const outcomes = await frozenInFlight(redis)
    expect(outcomes.map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
    await redis.ping()
    expect(await redis.xlen('doubt')).toBe(0)
    redis.disconnect()
  })

  test('a client with the default options does send them again (so this test can fail)', async () => {
    const redis = new Redis(server.url, { retryStrategy: () => 50 })
    redis.on('error', () => {})
    await whenReady(redis, 5_000)
    const outcomes = await frozenInFlight(redis)
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(await redis.xlen('doubt')).toBe(20)
    redis.disconnect()
  })
})

describe('trap 8: a command whose connection broke, or whose Redis is frozen, never settles', () => {
  test('a command in flight when Redis dies settles at once, not when its deadline passes', async () => {
    const redis = openRedis(server.url, { name: 'test', commandTimeoutMs: 600_000 })
    await whenReady(redis, 5_000)
    const outcomes = await frozenInFlight(redis)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    redis.disconnect()
  })

  test('a frozen Redis is noticed by the deadline of the command', async () => {
    const redis = openRedis(server.url, { name: 'test', commandTimeoutMs: 100 })
    await whenReady(redis, 5_000)
    process.kill(server.pid, 'SIGSTOP')
    const outcome = await redis.ping().catch((error: Error) => error)
    process.kill(server.pid, 'SIGCONT')
    expect(outcome).toBeInstanceOf(Error)
    redis.disconnect()
  })
})

test('a connection that refuses offline says so when nothing was sent', async () => {
  const redis = openRedis(server.url, { name: 'test', refusesOffline: true, lazy: true })
  const error = await redis.xadd('offline', '*', 'n', '1').catch((error: unknown) => error)
  expect(wasNeverSent(error)).toBe(true)
  await whenReady(redis, 5_000)
  expect(await redis.xlen('offline')).toBe(0)
  redis.disconnect()
})

test('a Redis that is away kills nobody and is found again when it is back', async () => {
  const errors: Error[] = []
  const redis = openRedis(server.url, { name: 'test', onError: (error) => errors.push(error) })
  await whenReady(redis, 5_000)
  await server.kill9()
  await expect(redis.ping()).rejects.toThrow()
  while (errors.length === 0) await pause(5)
  await server.restart()
  await whenReady(redis, 5_000)
  expect(await redis.ping()).toBe('PONG')
  redis.disconnect()
})

test('a blocking read has no deadline of its own and survives a restart of Redis', async () => {
  const redis = openRedis(server.url, { name: 'test', blocking: true, commandTimeoutMs: 1 })
  const writer = openRedis(server.url, { name: 'test' })
  await Promise.all([whenReady(redis, 5_000), whenReady(writer, 5_000)])
  await server.restart()
  await Promise.all([whenReady(redis, 5_000), whenReady(writer, 5_000)])
  const read = redis.xread('BLOCK', 0, 'STREAMS', 'bell', '$')
  while (!/blocked_clients:1/.test(await writer.info('clients'))) await writer.ping()
  await writer.xadd('bell', '*', 'n', '1')
  expect(await read).toHaveLength(1)
  redis.disconnect()
  writer.disconnect()
})
