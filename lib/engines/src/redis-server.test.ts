import { afterEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { findRedisServer, type RedisServer, startRedisServer } from './redis-server.ts'

const dirs: string[] = []
const servers: RedisServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})

const binary = findRedisServer() ?? 'redis-server'
const folder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'sc-redis-'))
  dirs.push(dir)
  return dir
}
const start = async (dir: string, port: number) => {
  const server = await startRedisServer({ dir, port, binary, appendfsync: 'always' })
  servers.push(server)
  return server
}

test('runs with the append-only file on and evicts nothing', async () => {
  const server = await start(folder(), await freePort())
  const redis = new Bun.RedisClient(server.url)
  expect(await redis.send('CONFIG', ['GET', 'appendonly'])).toEqual({ appendonly: 'yes' })
  expect(await redis.send('CONFIG', ['GET', 'maxmemory-policy'])).toEqual({ 'maxmemory-policy': 'noeviction' })
  redis.close()
})

test('refuses a second server on the same folder, and allows it once the first is gone', async () => {
  const dir = folder()
  const first = await start(dir, await freePort())
  const second = start(dir, await freePort())
  await expect(second).rejects.toMatchObject({ reason: 'dir_in_use' })
  await first.kill9()
  await start(dir, await freePort())
})

test('says that the port is in use, and leaves nothing of the failed start behind', async () => {
  const first = await start(folder(), await freePort())
  const dir = folder()
  await expect(start(dir, first.port)).rejects.toMatchObject({ reason: 'port_in_use' })
  await start(dir, await freePort())
})

test('what was acknowledged under appendfsync always is there after kill -9', async () => {
  const dir = folder()
  const first = await start(dir, await freePort())
  const writer = new Bun.RedisClient(first.url)
  for (let n = 0; n < 20; n++) await writer.set(`key:${n}`, String(n))
  await first.kill9()
  writer.close()
  const second = await start(dir, await freePort())
  const reader = new Bun.RedisClient(second.url)
  expect(await reader.send('DBSIZE', [])).toBe(20)
  reader.close()
})
