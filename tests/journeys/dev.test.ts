import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { commandOf } from '@santaclaude/engines/processes'
import { pause } from '@santaclaude/kit/deadline'
import { type House, runCli, startHouse } from './house.ts'

let house: House
beforeAll(async () => {
  house = await startHouse()
}, 90_000)
afterAll(() => house.close())

test('five services are ready on real engines, each with its Swagger page', async () => {
  const { services } = house.ready
  expect(services.map(({ name }) => name)).toEqual([
    ...['projectflow-ai', 'ai-service', 'browser-pool-service', 'audit-sink-service', 'message-queue-service'],
  ])
  for (const { url, name } of services) {
    expect({ name, status: (await fetch(`${url}/ready`)).status }).toEqual({ name, status: 200 })
    expect(await (await fetch(`${url}/swagger`)).text()).toContain('swagger')
  }
})

test('the dev key is a key with every scope, and nothing else is', async () => {
  const keys = `${house.url('projectflow-ai')}/v1/keys`
  expect((await fetch(keys)).status).toBe(401)
  const answer = await fetch(keys, { headers: { authorization: `Bearer ${house.ready.devKey}` } })
  expect(answer.status).toBe(200)
})

test('a second dev says that the ports are held, by whom, and what to type', async () => {
  const { code, err } = await runCli(['dev'], house.env)
  expect(code).toBe(3)
  expect(err).toMatch(/Port \d+ for projectflow-ai is held by process \d+ \(.*PORT_BASE=\d+ bun run dev/s)
})

test('state that is in use is not cleared', async () => {
  const { code, err } = await runCli(['reset', '--yes'], house.env)
  expect(code).toBe(1)
  expect(err).toContain('stop')
  expect(existsSync(house.ready.dataDir)).toBe(true)
})

test('at the end no process is left, and a stop is said', async () => {
  const processes = house.processes()
  expect(processes.length).toBeGreaterThan(5)
  house.signal('SIGINT')
  expect(await house.exited).toBe(0)
  expect(house.output()).toContain('"event":"stopped"')
  // The guardian notices the end of its pipe on its own time.
  while (processes.some((pid) => commandOf(pid) !== undefined)) await pause(20)
})
