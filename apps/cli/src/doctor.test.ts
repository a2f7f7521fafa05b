import { afterEach, expect, test } from 'bun:test'
import { doctor } from './doctor.ts'
import { servicesOf } from './services.ts'
import { plainService, standInHouse } from './stand-in.ts'

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const one of undo.splice(0).reverse()) one()
})

test('says for each engine, port and version what is there, and what to do about a busy port', async () => {
  const { context, said, remove } = await standInHouse({ alpha: plainService('alpha') })
  undo.push(remove)
  const port = servicesOf(context)[0]?.port ?? 0
  const holder = Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } })
  undo.push(() => holder.stop(true))
  expect(await doctor(context, [])).toBe(0)
  const findings = Object.fromEntries(said.map((line) => JSON.parse(line)).map((finding) => [finding.what, finding]))
  expect(Object.keys(findings)).toEqual(['Bun', 'Redis', 'ClickHouse', 'Chromium', 'model', `port ${port}`, 'disk'])
  expect(findings[`port ${port}`]).toMatchObject({ state: 'warning', fix: expect.stringContaining('PORT_BASE=') })
  expect(findings[`port ${port}`].found).toContain(String(process.pid))
})
