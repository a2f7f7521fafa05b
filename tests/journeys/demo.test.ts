import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { isPortFree } from '@santaclaude/engines/ports'
import { type House, houseEnv, runCli, startHouse } from './house.ts'

interface Step {
  step: string
  [field: string]: unknown
}
interface AuditRecord {
  id: string
  action: string
  outcome: string
  traceId: string
  actor: { type: string; id: string }
  source: string
}

/** Runs the demo and answers its steps. */
async function runDemo(env: Record<string, string | undefined>, words: string[] = []) {
  const { code, out, err } = await runCli(['demo', '--json', ...words], env)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const steps = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step)
  const all = (name: string) => steps.filter(({ step }) => step === name)
  const one = (name: string) => all(name)[0] ?? { step: name }
  return { steps, all, one }
}

/** A page with a shelf of kettles. */
const shelf = (name: string, kettles: [name: string, price: string][]) =>
  `<!doctype html><html lang="en"><title>${name}</title><h1>${name}</h1><ul>${kettles
    .map(([kettle, price]) => `<li><h2>${kettle}</h2><p>€${price}</p></li>`)
    .join('')}</ul></html>`

let house: House
beforeAll(async () => {
  house = await startHouse()
}, 90_000)
afterAll(() => house.close())

const ask = async <T>(service: string, path: string) => {
  const answer = await fetch(`${house.url(service)}${path}`, {
    headers: { authorization: `Bearer ${house.ready.devKey}` },
  })
  expect({ path, status: answer.status }).toEqual({ path, status: 200 })
  return (await answer.json()) as T
}

test('one question goes through all five services, and every step of it can be seen', async () => {
  const { steps, all, one } = await runDemo(house.env)
  const { traceId, pages, wasRunning } = one('run') as unknown as {
    traceId: string
    pages: string[]
    wasRunning: boolean
  }
  expect(wasRunning).toBe(true)
  expect(pages).toHaveLength(3)

  // The model read every page through tool calls, in a conversation that ai-service keeps.
  const visited = all('tool').filter(({ name }) => name === 'browser_navigate')
  expect(visited.map((tool) => (tool.arguments as { url: string }).url)).toEqual(pages)
  const { id: sessionId } = one('session')
  const kept = await ask<{ messages: { role: string; tool_calls?: unknown[]; content: string }[] }>(
    'ai-service',
    `/v1/sessions/${sessionId}?limit=1000`,
  )
  expect(kept.messages.filter(({ role }) => role === 'tool')).toHaveLength(all('tool').length)

  // The answer was streamed, names the cheapest kettle of all three shops, and says which model gave it.
  const answer = one('answer')
  expect(answer.text).toContain('Wander travel kettle')
  expect(answer.text).toContain('18.90')
  expect(answer).toMatchObject({ isOffline: true, model: 'offline' })
  expect(kept.messages.at(-1)).toMatchObject({ role: 'assistant', content: answer.text as string })
  const streamed = steps.slice(steps.findLastIndex(({ step }) => step === 'tool')).filter(({ step }) => step === 'text')
  expect(streamed.length).toBeGreaterThan(5)
  expect(streamed.map(({ text }) => text).join('')).toBe(answer.text as string)

  // Each page was kept as a picture.
  const screenshots = answer.screenshots as string[]
  expect(screenshots).toHaveLength(3)
  for (const path of screenshots) expect(readFileSync(path).subarray(1, 4).toString()).toBe('PNG')

  // The bus told it while it happened: the first event came before the answer, each event once.
  const events = all('event')
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  expect(steps.findIndex(({ step }) => step === 'event')).toBeLessThan(steps.indexOf(answer))
  const types = new Set(events.map(({ type }) => type))
  for (const type of ['projectflow.key.created', 'ai.session.created', 'ai.call.completed', 'browser.session.created'])
    expect(types).toContain(type)
  for (const type of ['browser.page.navigated', 'browser.page.captured', 'browser.session.closed'])
    expect(types).toContain(type)

  // The records are those of this run and no other, and ClickHouse has them.
  const records = one('records').records as AuditRecord[]
  expect(new Set(records.map((record) => record.traceId))).toEqual(new Set([traceId]))
  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
  const count = (action: string) => records.filter((record) => record.action === action).length
  const turns = count('ai.call.requested')
  expect(turns).toBe(all('tool').length + 1)
  expect(count('ai.call.completed')).toBe(turns)
  expect(count('browser.navigation.requested')).toBe(3)
  expect(count('browser.page.navigated')).toBe(3)
  for (const action of ['key.created', 'ai.session.created', 'browser.session.created', 'browser.session.closed'])
    expect({ action, count: count(action) }).toEqual({ action, count: 1 })
  expect(new Set(records.map(({ source }) => source))).toEqual(
    new Set(['/projectflow-ai', '/ai-service', '/browser-pool-service']),
  )
  const { id: keyId } = one('key')
  const acts = records.filter(({ source }) => source !== '/projectflow-ai')
  expect(new Set(acts.map(({ actor }) => actor.id))).toEqual(new Set([keyId as string]))
  const again = await ask<{ events: AuditRecord[] }>('audit-sink-service', `/v1/events?traceId=${traceId}&limit=1000`)
  expect(new Set(again.events.map(({ id }) => id))).toEqual(new Set(records.map(({ id }) => id)))
}, 120_000)

test('the model reads what the given pages say: other prices, another answer, and its own records only', async () => {
  const price = () => `${100 + Math.floor(Math.random() * 800)}.00`
  const prices = [price(), price(), `${10 + Math.floor(Math.random() * 80)}.50`]
  const shelves: Record<string, string> = {
    '/a': shelf('Attic', [['Attic kettle', prices[0] ?? '']]),
    '/b': shelf('Barn', [
      ['Barn kettle', prices[1] ?? ''],
      ['Hidden gem kettle', prices[2] ?? ''],
    ]),
  }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) =>
      new Response(shelves[new URL(request.url).pathname], { headers: { 'content-type': 'text/html; charset=utf-8' } }),
  })
  const urls = ['/a', '/b'].map((path) => `http://127.0.0.1:${server.port}${path}`)
  const first = await runDemo(house.env, [...urls, '--question', 'Which kettle is the cheapest on these pages?'])
  expect(first.one('answer').text).toContain('Hidden gem kettle')
  expect(first.one('answer').text).toContain(prices[2] ?? '')
  const second = await runDemo(house.env, [...urls, '--question', 'Which kettle is the most expensive on these pages?'])
  const dearest = Number(prices[0]) >= Number(prices[1]) ? 'Attic kettle' : 'Barn kettle'
  expect(second.one('answer').text).toContain(dearest)
  const idsOf = ({ one }: typeof first) => (one('records').records as AuditRecord[]).map(({ id }) => id)
  expect(idsOf(second).filter((id) => idsOf(first).includes(id))).toEqual([])
  await server.stop(true)
}, 120_000)

test('with nothing running it starts what it needs, and stops it at the end', async () => {
  const env = await houseEnv()
  const { one } = await runDemo(env)
  expect(one('run').wasRunning).toBe(false)
  expect((one('records').records as unknown[]).length).toBeGreaterThan(10)
  for (const offset of [0, 1, 2, 3, 4, 79]) expect(await isPortFree(Number(env.PORT_BASE) + offset)).toBe(true)
  expect(existsSync(env.DATA_DIR ?? '')).toBe(true)
  rmSync(env.DATA_DIR ?? '', { recursive: true, force: true })
}, 120_000)

test('a word that is no address is refused before anything starts', async () => {
  const { code, err } = await runCli(['demo', 'file:///etc/passwd'], house.env)
  expect(code).toBe(2)
  expect(err).toContain('is no http or https address')
})
