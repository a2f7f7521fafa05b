import { afterEach, expect, test } from 'bun:test'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@santaclaude/engines/ports'
import { findRedisServer, startRedisServer } from '@santaclaude/engines/redis-server'
import { reset } from './reset.ts'
import { standInHouse } from './stand-in.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function house() {
  const built = await standInHouse({})
  undo.push(built.remove)
  mkdirSync(join(built.context.dataDir, 'redis'), { recursive: true })
  return built.context
}

test('without a person to ask, nothing is cleared until --yes is said', async () => {
  const context = await house()
  await expect(reset(context, [])).rejects.toMatchObject({ reason: 'usage' })
  expect(existsSync(context.dataDir)).toBe(true)
  expect(await reset(context, ['--yes'])).toBe(0)
  expect(existsSync(context.dataDir)).toBe(false)
})

test('state that is in use is not cleared', async () => {
  const context = await house()
  const binary = findRedisServer() ?? 'redis-server'
  const redis = await startRedisServer({ binary, dir: join(context.dataDir, 'redis'), port: await freePort() })
  undo.push(() => redis.stop())
  await expect(reset(context, ['--yes'])).rejects.toThrow(/in use/)
  expect(existsSync(context.dataDir)).toBe(true)
})
