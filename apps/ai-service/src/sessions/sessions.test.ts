import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readSse, type SseMessage } from '@santaclaude/kit/sse'
import { quietHost } from '@santaclaude/service/host'
import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import { type TestHouse, testHouse } from '../app.fixture.ts'
import { LiveTurns } from './live.ts'

const tool = {
  type: 'function',
  function: { name: 'look_up', parameters: { type: 'object', properties: { query: { type: 'string' } } } },
}

describe('a session', () => {
  let upstream: FakeModelUpstream
  let house: TestHouse
  beforeAll(async () => {
    upstream = await startFakeModelUpstream()
  })
  afterAll(() => upstream.close())
  beforeEach(async () => {
    upstream.requests.length = 0
    house = await testHouse({ upstream: upstream.url })
  })

  const json = async (path: string, init: Parameters<TestHouse['fetch']>[1] = {}) => {
    const response = await house.fetch(path, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const create = async (wish: Record<string, unknown> = {}) =>
    (await json('/v1/sessions', { json: { model: 'gpt-5-mini', ...wish } })).body.id as string
  const turn = (id: string, input: Record<string, unknown>) => json(`/v1/sessions/${id}/chat`, { json: input })
  const stream = (id: string, input: Record<string, unknown>, signal?: AbortSignal) =>
    house.fetch(`/v1/sessions/${id}/stream`, { json: input, ...(signal && { signal }) })
  const resume = (id: string, last?: string) =>
    house.fetch(`/v1/sessions/${id}/stream`, { headers: last === undefined ? {} : { 'last-event-id': last } })
  const read = async (response: Response, until?: (event: SseMessage) => boolean) => {
    const events: SseMessage[] = []
    if (!response.body) return events
    for await (const event of readSse(response.body)) {
      events.push(event)
      if (until?.(event)) break
    }
    return events
  }
  const chatRequests = () => upstream.requests.filter(({ method }) => method === 'POST')

  test('remembers: each turn sends the history, and its messages can be read back', async () => {
    const id = await create({ instructions: 'Be brief.', title: 'Kettles' })
    upstream.plan({ text: 'First answer.' }, { text: 'Second answer.' })
    const first = await turn(id, { message: 'One?' })
    expect(first.body).toMatchObject({ sessionId: id, finishReason: 'stop', message: { content: 'First answer.' } })
    await turn(id, { message: 'Two?' })
    expect(chatRequests()[1]?.body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'First answer.', refusal: null },
      { role: 'user', content: 'Two?' },
    ])
    const { body } = await json(`/v1/sessions/${id}`)
    expect(body.messages.map(({ content }: { content: string }) => content)).toEqual([
      'One?',
      'First answer.',
      'Two?',
      'Second answer.',
    ])
    expect(body.session).toMatchObject({ title: 'Kettles', messages: 4, promptTokens: 22, completionTokens: 14 })
    const page = await json(`/v1/sessions/${id}?limit=1&after=2`)
    expect([page.body.messages[0].content, page.body.nextAfter]).toEqual(['Two?', 3])
  })

  test('works with every kind of provider, also turn by turn', async () => {
    const id = await create()
    for (const model of ['gpt-5-mini', 'claude-sonnet-5-5', 'offline']) {
      const { body } = await turn(id, { model, message: 'Sum these:\n3\n4' })
      expect(body.message).toMatchObject({ role: 'assistant', model })
      expect(body.usage.promptTokens).toBeGreaterThan(0)
    }
  })

  test('carries tool calls out and their results back in', async () => {
    const id = await create({ tools: [tool] })
    upstream.plan({ toolCalls: [{ name: 'look_up', arguments: { query: 'kettle' } }] })
    const events = await read(await stream(id, { message: 'Look it up.' }))
    const names = events.map(({ event }) => event)
    expect(names.slice(0, 2)).toEqual(['turn.started', 'tool_call.started'])
    expect(names.slice(-2)).toEqual(['turn.completed', 'end'])
    const completed = JSON.parse(events.at(-2)?.data ?? '')
    expect(completed.finishReason).toBe('tool_calls')
    const [call] = completed.message.tool_calls
    expect(JSON.parse(call.function.arguments)).toEqual({ query: 'kettle' })

    expect((await turn(id, { message: 'And?' })).status).toBe(422)
    const messages = [{ role: 'tool', tool_call_id: call.id, content: 'It boils water.' }]
    expect((await turn(id, { messages })).status).toBe(200)
    expect(chatRequests().at(-1)?.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: call.id }] },
      { role: 'tool', content: 'It boils water.' },
    ])
  })

  test('streams text with ids that resume, and the turn runs on without a reader', async () => {
    const id = await create()
    const gate = Promise.withResolvers<void>()
    upstream.plan({ text: 'one two three four', fault: { kind: 'wait', afterEvents: 3, until: gate.promise } })
    const leave = new AbortController()
    const seen = await read(await stream(id, { message: 'Go.' }, leave.signal), ({ event }) => event === 'text.delta')
    leave.abort()
    gate.resolve()
    const rest = await read(await resume(id, seen.at(-1)?.id))
    const text = [...seen, ...rest]
      .filter(({ event }) => event === 'text.delta')
      .map(({ data }) => JSON.parse(data).text)
    expect(text.join('')).toBe('one two three four')
    const ids = [...seen, ...rest].filter(({ event }) => event !== 'end').map((event) => Number(event.id.split('.')[1]))
    expect(ids).toEqual(ids.map((_, at) => at + 1))
    expect((await json(`/v1/sessions/${id}`)).body.session.messages).toBe(2)
    expect(await upstream.requests.at(-1)?.ended).toBe('complete')
  })

  test('a finished turn is read again from the store, as another replica would', async () => {
    const id = await create()
    const whole = await read(await stream(id, { message: 'Go.' }))
    const first = whole[0]?.id.replace(/\.\d+$/, '.0')
    const { sessions } = house.ports
    const other = await testHouse({
      sessions,
      live: new LiveTurns(sessions),
      house: { ...house.ports.house, host: quietHost('ai-service') },
    })
    const again = await other.fetch(`/v1/sessions/${id}/stream`, {
      key: house.key,
      headers: { 'last-event-id': first ?? '' },
    })
    expect(await read(again)).toEqual(whole)
  })

  test('a turn whose replica died ends in an explicit error', async () => {
    const id = await create()
    const turnId = '01931f6b-7a3c-7000-9f1e-0123456789ab'
    const address = { tenant: 'acme', id }
    await house.ports.sessions.addEvents(address, turnId, [{ seq: 1, event: 'turn.started', data: {} }])
    const events = await read(await resume(id, `${turnId}.0`))
    expect(events.map(({ event }) => event)).toEqual(['turn.started', 'error'])
    expect(JSON.parse(events[1]?.data ?? '').code).toBe('outcome_unknown')
  })

  test('takes one turn at a time', async () => {
    const id = await create()
    const gate = Promise.withResolvers<void>()
    upstream.plan({ text: 'slow', fault: { kind: 'wait', afterEvents: 1, until: gate.promise } })
    const running = await stream(id, { message: 'One.' })
    const second = await turn(id, { message: 'Two.' })
    expect([second.status, second.body.code]).toEqual([409, 'session_busy'])
    gate.resolve()
    await read(running)
    expect((await turn(id, { message: 'Two.' })).status).toBe(200)
  })

  test('is as it was after a turn that failed', async () => {
    const id = await create()
    upstream.plan({ text: 'one two three', fault: { kind: 'cut', afterEvents: 3 } })
    const events = await read(await stream(id, { message: 'Go.' }))
    expect(events.at(-1)?.event).toBe('error')
    expect(JSON.parse(events.at(-1)?.data ?? '').code).toBe('upstream_failed')
    upstream.plan({ fault: { kind: 'status', status: 429, headers: { 'retry-after': '3' } } })
    const refused = await turn(id, { message: 'Go.' })
    expect([refused.status, refused.body.code]).toEqual([429, 'upstream_limited'])
    expect((await json(`/v1/sessions/${id}`)).body.session.messages).toBe(0)
    expect((await turn(id, { message: 'Go.' })).status).toBe(200)
  })

  test('a replica that goes away ends its turns in an error and frees the session', async () => {
    const id = await create()
    upstream.plan({ text: 'never', fault: { kind: 'hang' } }, { text: 'a b', fault: { kind: 'stall', afterEvents: 2 } })
    const { body } = await json('/v1/sessions', { json: {} })
    const reading = stream(body.id, { message: 'Go.' })
    const events = read(await stream(id, { message: 'Go.', model: 'claude-sonnet-5-5' }))
    await house.ports.live.close()
    expect((await events).at(-1)?.event).toBe('error')
    expect((await reading).status).toBe(503)
    expect(await house.ports.sessions.holder({ tenant: 'acme', id })).toBeUndefined()
  })

  test('is nobody’s but its tenant’s', async () => {
    const id = await create()
    const key = await house.newKey(['ai:invoke'], 'other')
    const tries: [string, RequestInit & { json?: unknown }][] = [
      [`/v1/sessions/${id}`, {}],
      [`/v1/sessions/${id}`, { method: 'DELETE' }],
      [`/v1/sessions/${id}/chat`, { json: { message: 'x' } }],
      [`/v1/sessions/${id}/stream`, { json: { message: 'x' } }],
      [`/v1/sessions/${id}/stream`, {}],
    ]
    for (const [path, init] of tries) {
      const { status, body } = await json(path, { ...init, key })
      expect([status, body.code]).toEqual([404, 'session_not_found'])
    }
    expect((await json('/v1/sessions', { key })).body.sessions).toEqual([])
    expect((await json('/v1/sessions')).body.sessions.map((one: { id: string }) => one.id)).toEqual([id])
  })

  test('is on the books from its creation to its end', async () => {
    const id = await create({ title: 'Kettles' })
    await turn(id, { message: 'Go.' })
    expect((await house.fetch(`/v1/sessions/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await json(`/v1/sessions/${id}`)).status).toBe(404)
    const kinds = ['ai.session.created', 'ai.call.requested', 'ai.call.completed', 'ai.session.deleted']
    expect(house.audit.records.map(({ action }) => action)).toEqual(kinds)
    expect(house.audit.records.map(({ sessionId }) => sessionId)).toEqual([id, id, id, id])
    expect(house.events.map(({ type }) => type)).toEqual(kinds.filter((kind) => kind !== 'ai.call.requested'))
    expect(house.events.every(({ subject }) => subject === id)).toBe(true)
  })

  test('refuses what it cannot use with a problem that names the field', async () => {
    const id = await create()
    const cases: [string, Record<string, unknown>, number][] = [
      ['/v1/sessions', { colour: 'red' }, 422],
      ['/v1/sessions', { model: 'no-such-model' }, 404],
      [`/v1/sessions/${id}/chat`, {}, 422],
      [`/v1/sessions/${id}/chat`, { message: 'a', messages: [{ role: 'user', content: 'b' }] }, 422],
      [`/v1/sessions/${id}/chat`, { messages: [{ role: 'assistant', content: 'b' }] }, 422],
      [`/v1/sessions/${id}/chat`, { message: 'a', stream: true }, 422],
      ['/v1/sessions/nothing/chat', { message: 'a' }, 404],
    ]
    for (const [path, body, status] of cases) {
      const answer = await json(path, { json: body })
      expect([path, answer.status, typeof answer.body.code]).toEqual([path, status, 'string'])
    }
    expect((await resume(id, 'rubbish')).status).toBe(400)
    expect((await resume(id)).status).toBe(404)
  })
})
