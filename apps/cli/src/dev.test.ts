import { afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { isPortFree } from '@santaclaude/engines/ports'
import { pause } from '@santaclaude/kit/deadline'
import { servicesOf } from './services.ts'
import { plainService, standInHouse } from './stand-in.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

/** `dev` over two tiny services, in a process of its own; in a terminal when `isTty`. */
async function runDev({ isTty }: { isTty: boolean }) {
  const { context, remove } = await standInHouse({ alpha: plainService('alpha'), beta: plainService('beta') })
  undo.push(remove)
  const program = `
    import { dev } from ${JSON.stringify(join(import.meta.dir, 'dev.ts'))}
    import { contextOf, exitCodes } from ${JSON.stringify(join(import.meta.dir, 'context.ts'))}
    const context = { ...contextOf({ env: process.env, stdout: process.stdout }), ...${JSON.stringify({ root: context.root, dataDir: context.dataDir })} }
    process.exit(await dev(context, []).catch((error) => { console.error(error.message); return exitCodes[error.reason] ?? 1 }))`
  const seen = { text: '' }
  const cmd = [process.execPath, '-e', program]
  const env = { ...process.env, ...context.env }
  const keep = (bytes: Uint8Array) => {
    seen.text += Buffer.from(bytes).toString()
  }
  const child = isTty
    ? Bun.spawn({ cmd, env, terminal: { cols: 140, rows: 40, data: (_, bytes) => keep(bytes) } })
    : Bun.spawn({ cmd, env, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' })
  undo.push(async () => {
    child.kill('SIGKILL')
    await child.exited
  })
  if (child.stdout instanceof ReadableStream) {
    const stdout = child.stdout
    ;(async () => {
      for await (const bytes of stdout) keep(bytes)
    })()
  }
  const says = async (words: string | RegExp) => {
    while (!seen.text.match(words)) await pause(10)
  }
  const services = servicesOf(context)
  const areFree = async () => (await Promise.all(services.map(({ port }) => isPortFree(port)))).every(Boolean)
  return { child, seen, says, services, areFree, press: (key: string) => child.terminal?.write(key) }
}

test('a program that watches gets JSON lines, and SIGTERM stops everything', async () => {
  const { child, seen, says, services, areFree } = await runDev({ isTty: false })
  await says('"event":"ready"')
  const ready = JSON.parse(seen.text.split('\n')[0] ?? '')
  expect(ready).toMatchObject({ event: 'ready', version: '9.9.9', model: expect.stringContaining('offline') })
  expect(ready.services.map(({ port }: { port: number }) => port)).toEqual(services.map(({ port }) => port))
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(await areFree()).toBe(true)
  expect(
    seen.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event),
  ).toEqual(['ready', 'stopped'])
})

test('a person gets one screen; l shows logs, r starts one service again, q stops everything', async () => {
  const { child, seen, says, services, areFree, press } = await runDev({ isTty: true })
  await says('q quit')
  expect(seen.text.trim().split('\n').length).toBeLessThanOrEqual(18)
  press('l')
  await says('Showing logs')
  press('r')
  await says('0 alpha  1 beta')
  press('0')
  await says('alpha is ready')
  expect(seen.text).toMatch(/alpha +given redis:/)
  expect((await fetch(services[0]?.url ?? '')).status).toBe(200)
  press('q')
  expect(await child.exited).toBe(0)
  expect(await areFree()).toBe(true)
})

test('Ctrl-C stops everything', async () => {
  const { child, says, areFree, press } = await runDev({ isTty: true })
  await says('q quit')
  press('\u0003')
  expect(await child.exited).toBe(0)
  expect(await areFree()).toBe(true)
})

test('a terminal that closes stops everything', async () => {
  const { child, says, areFree } = await runDev({ isTty: true })
  await says('q quit')
  child.terminal?.close()
  expect(await child.exited).toBe(0)
  expect(await areFree()).toBe(true)
})
