import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { uuidv7 } from '@santaclaude/kit/ids'
import { portHolder } from '../../apps/cli/src/port-holder.ts'
import { serviceNames } from '../contract/in-process.ts'
import { type WholeStack, wholeStack } from '../contract/whole-stack.ts'

/** All five services under steady use, while each of them is killed and started again. */
let whole: WholeStack
beforeAll(async () => {
  whole = await wholeStack({ LAME_DUCK_MS: '0' })
}, 90_000)
afterAll(() => whole.close(), 30_000)

/** What users were told is done. */
const told = {
  records: new Set<string>(),
  sessions: new Set<string>(),
  turns: new Map<string, string[]>(),
  events: new Set<string>(),
  keys: new Set<string>(),
}
const count = () => [told.records, told.sessions, told.turns, told.events, told.keys].map(({ size }) => size)

/** The answer to one request, or nothing when it was refused, cut or not answered. */
async function send<T>(
  service: string,
  path: string,
  { method = 'POST', body, key = whole.rootKey }: { method?: string; body?: unknown; key?: string } = {},
): Promise<T | undefined> {
  try {
    const response = await fetch(whole.url(service) + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        ...(method === 'POST' ? { 'idempotency-key': uuidv7() } : {}),
      },
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return response.ok ? ((await response.json()) as T) : undefined
  } catch {
    return undefined
  }
}

const acts: Record<string, (n: number) => Promise<unknown>> = {
  async record() {
    const id = uuidv7()
    const body = { id, action: 'weather.thing.done', outcome: 'success', target: { type: 'thing', id: '1' } }
    if (await send('audit-sink-service', '/v1/events', { body })) told.records.add(id)
  },
  async talk(n) {
    const made = await send<{ id: string }>('ai-service', '/v1/sessions', { body: { title: `weather ${n}` } })
    if (!made) return
    told.sessions.add(made.id)
    const message = `Say ${n}.`
    if (await send('ai-service', `/v1/sessions/${made.id}/chat`, { body: { message } }))
      told.turns.set(made.id, [message])
  },
  async publish() {
    const id = uuidv7()
    const body = { specversion: '1.0', id, source: '/weather', type: 'weather.event.sent', data: 1 }
    if (await send('message-queue-service', '/v1/topics/weather/events', { body })) told.events.add(id)
  },
  async key(n) {
    const made = await send<{ secret: string }>('projectflow-ai', '/v1/keys', {
      body: { name: `weather ${n}`, scopes: ['ai:invoke'] },
    })
    if (made) told.keys.add(made.secret)
  },
  async browse() {
    const made = await send<{ id: string }>('browser-pool-service', '/v1/sessions', { body: {} })
    if (made) await send('browser-pool-service', `/v1/sessions/${made.id}`, { method: 'DELETE' })
  },
}

test('whichever service is killed, nothing that was acknowledged is lost, and nothing is there twice', async () => {
  await send('message-queue-service', '/v1/topics/weather', { method: 'PUT', body: {} })
  const over = new AbortController()
  const using = Object.values(acts).map(async (act) => {
    for (let n = 0; !over.signal.aborted; n++) {
      await act(n)
      await pause(50, over.signal)
    }
  })
  for (const name of serviceNames()) {
    const before = count()
    while (count().some((now, n) => now <= (before[n] ?? 0))) await pause(20)
    const { pid } = portHolder(Number(new URL(whole.url(name)).port)) ?? {}
    expect(pid).toBeGreaterThan(1)
    process.kill(pid ?? 0, 'SIGKILL')
    await whole.stack.restart(name)
  }
  const last = count()
  while (count().some((now, n) => now <= (last[n] ?? 0))) await pause(20)
  over.abort()
  await Promise.all(using)

  for (const id of told.sessions) {
    const kept = await send<{ messages: { role: string; content: string }[] }>(
      'ai-service',
      `/v1/sessions/${id}?limit=100`,
      { method: 'GET' },
    )
    const said = kept?.messages.filter(({ role }) => role === 'user').map(({ content }) => content)
    expect(said).toEqual(expect.arrayContaining(told.turns.get(id) ?? []))
  }
  for (const key of told.keys)
    expect(await send('ai-service', '/v1/sessions?limit=1', { method: 'GET', key })).toBeDefined()
  const page = await send<{ events: { event: { id: string } }[] }>(
    'message-queue-service',
    '/v1/topics/weather/events?limit=1000',
    { method: 'GET' },
  )
  const held = page?.events.map(({ event }) => event.id) ?? []
  expect(held.length).toBe(new Set(held).size)
  expect([...told.events].filter((id) => !held.includes(id))).toEqual([])

  let ids: string[] = []
  const missing = () => [...told.records].filter((id) => !ids.includes(id))
  do {
    const found = await send<{ events: { id: string }[] }>(
      'audit-sink-service',
      '/v1/events?action=weather.thing.done&limit=1000',
      { method: 'GET' },
    )
    ids = found?.events.map(({ id }) => id) ?? []
  } while (missing().length > 0)
  expect(ids.length).toBe(new Set(ids).size)
  const created = await send<{ events: { target: { id: string } }[] }>(
    'audit-sink-service',
    '/v1/events?action=ai.session.created&limit=1000',
    { method: 'GET' },
  )
  const recorded = created?.events.map(({ target }) => target.id) ?? []
  for (const id of told.sessions)
    expect({ id, records: recorded.filter((one) => one === id).length }).toEqual({ id, records: 1 })
}, 240_000)
