import { afterEach, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, isPortFree } from '@santaclaude/engines/ports'
import { commandOf } from '@santaclaude/engines/processes'
import { pause } from '@santaclaude/kit/deadline'
import { servicesOf } from './services.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'
import { plainService, standInHouse } from './stand-in.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function house(mains: Record<string, string>) {
  const built = await standInHouse(mains)
  undo.push(built.remove)
  const start = async (options: StackOptions = {}): Promise<Stack> => {
    const stack = await startStack(built.context, options)
    undo.push(() => stack.stop())
    return stack
  }
  return { ...built, services: servicesOf(built.context), start }
}
const two = { alpha: plainService('alpha'), beta: plainService('beta') }
const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await pause(10)
}

test('starts a Redis and every service, and stops all of it and nothing else', async () => {
  const { start, services } = await house(two)
  const stranger = Bun.spawn(['sleep', '60'])
  undo.push(() => stranger.kill())
  const stack = await start()
  for (const { url, name } of services)
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ service: name })
  const redisPid = stack.engines.redis?.pid ?? 0
  expect(commandOf(redisPid)).toContain('-server')

  await stack.stop()
  for (const { port } of services) expect(await isPortFree(port)).toBe(true)
  expect(commandOf(redisPid)).toBeUndefined()
  expect(commandOf(stranger.pid)).toContain('sleep')
})

test('keeps its secrets in files only their owner can read, and the same ones at the next start', async () => {
  const { start, context } = await house(two)
  const first = await start()
  await first.stop()
  expect(statSync(join(context.dataDir, 'dev-key')).mode & 0o777).toBe(0o600)
  expect(statSync(join(context.dataDir, 'pepper')).mode & 0o777).toBe(0o600)
  const second = await start()
  expect(second.state.devKey).toMatch(/^sc_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/)
  expect(second.state.devKey).toBe(first.state.devKey)
})

test('a busy port is refused before anything starts, naming who holds it and what to type', async () => {
  const { start, services } = await house(two)
  const port = services[1]?.port ?? 0
  const holder = Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } })
  undo.push(() => holder.stop(true))
  const refused = start()
  await expect(refused).rejects.toMatchObject({ reason: 'portBusy' })
  await expect(refused).rejects.toThrow(
    new RegExp(`Port ${port} for beta is held by process ${process.pid} \\(.*PORT_BASE=\\d+`, 's'),
  )
  expect(await isPortFree(services[0]?.port ?? 0)).toBe(true)
})

test('a service that ends while starting is named with its last lines, and the others are stopped', async () => {
  const { start, services } = await house({ ...two, gamma: `console.error('no such table'); process.exit(7)` })
  const failed = start()
  await expect(failed).rejects.toMatchObject({ reason: 'serviceDied' })
  await expect(failed).rejects.toThrow(/gamma ended while starting \(7\).*no such table/s)
  for (const { port } of services) expect(await isPortFree(port)).toBe(true)
})

test('a service that dies later is named with its last lines, and starts again when asked', async () => {
  const { start, services } = await house(two)
  const deaths: unknown[] = []
  const stack = await start({ onDied: (death) => deaths.push(death) })
  const { port, url } = services[0] ?? { port: 0, url: '' }
  const holder = (await import('./port-holder.ts')).portHolder(port)
  process.kill(holder?.pid ?? 0, 'SIGKILL')
  await until(() => deaths.length > 0)
  expect(deaths).toEqual([{ service: 'alpha', ended: 'SIGKILL', lastLines: [`given ${stack.engines.redisUrl}`] }])
  await stack.restart('alpha')
  expect((await fetch(`${url}/health`)).status).toBe(200)
  await stack.stop()
  expect(deaths).toHaveLength(1)
})

test('what already runs is used and left running when asked to adopt it', async () => {
  const { start, services, context } = await house(two)
  const first = await start()
  const second = await startStack(context, { adopt: true })
  expect([...second.adopted]).toEqual(['alpha', 'beta'])
  expect(second.engines.redisUrl).toBe(first.engines.redisUrl)
  await second.stop()
  for (const { url } of services) expect((await fetch(`${url}/health`)).status).toBe(200)
})

test('with REDIS_URL and CLICKHOUSE_URL no engine is started, and passwords stay out of sight', async () => {
  const built = await standInHouse(two)
  undo.push(built.remove)
  const REDIS_URL = `redis://user:hidden@127.0.0.1:${await freePort()}/2`
  const env = { ...built.context.env, REDIS_URL, CLICKHOUSE_URL: 'http://user:hidden@db:8123' }
  const stack = await startStack({ ...built.context, env })
  undo.push(() => stack.stop())
  expect(stack.engines.redis).toBeUndefined()
  expect(stack.engines.redisUrl).toBe(REDIS_URL)
  expect(stack.engines.redisLabel + stack.engines.clickhouseLabel).not.toContain('hidden')
})

test('a stop while starting leaves nothing behind', async () => {
  const { start, services } = await house({ ...two, slow: `setInterval(() => {}, 1000)` })
  const leave = new AbortController()
  const starting = start({ signal: leave.signal })
  await until(async () => !(await isPortFree(services[0]?.port ?? 0)))
  leave.abort()
  await expect(starting).rejects.toMatchObject({ reason: 'interrupted' })
  for (const { port } of services) expect(await isPortFree(port)).toBe(true)
})

test('nothing outlives a start that was killed with kill -9', async () => {
  const { context, services } = await house(two)
  const program = `
    import { startStack } from ${JSON.stringify(join(import.meta.dir, 'stack.ts'))}
    const stack = await startStack({ ...${JSON.stringify(context)}, say: () => {} })
    process.stdout.write(String(stack.engines.redis.pid) + '\\n')
    setInterval(() => {}, 1000)`
  const owner = Bun.spawn({ cmd: [process.execPath, '-e', program], stdout: 'pipe', stderr: 'inherit' })
  const redisPid = Number(new TextDecoder().decode((await owner.stdout.getReader().read()).value))
  owner.kill('SIGKILL')
  for (const { port } of services) await until(() => isPortFree(port))
  await until(() => commandOf(redisPid) === undefined)
})
