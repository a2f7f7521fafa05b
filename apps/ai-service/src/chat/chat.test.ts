import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { Semaphore } from '@santaclaude/kit/semaphore'
import { readSse } from '@santaclaude/kit/sse'
import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import type { UpstreamFault } from '@santaclaude/testkit/fake-model-upstream-plan'
import { type TestHouse, testHouse } from '../app.fixture.ts'

const path = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'hello there' }]
const secret = 'upstream-secret sk-upstream-key'
const dialects = ['gpt-5-mini', 'claude-sonnet-5-5']

describe('a chat call', () => {
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

  const impatient = () => testHouse({ upstream: upstream.url, patience: { firstTokenMs: 200, idleMs: 200 } })
  const ask = (body: Record<string, unknown>, init: { headers?: Record<string, string>; signal?: AbortSignal } = {}) =>
    house.fetch(path, { ...init, json: { messages, ...body } })
  const events = async (response: Response) => {
    const data: string[] = []
    if (response.body) for await (const event of readSse(response.body)) data.push(event.data)
    return data
  }
  const errorOf = async (response: Response) => ((await response.json()) as { error: Record<string, unknown> }).error

  describe('relayed in one dialect', () => {
    const asked = { model: 'gpt-5-mini', stream: true, stream_options: { include_usage: true } }
    const text = 'Grüße aus Köln, 東京 and 🍵 kettles'

    test('gives the upstream’s stream byte for byte', async () => {
      upstream.plan({ text }, { text })
      const direct = await fetch(`${upstream.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ messages, ...asked }),
      })
      expect(await (await ask(asked)).text()).toBe(await direct.text())
    })

    for (const kind of ['bytewise', 'crlf'] as const) {
      test(`reads a stream that arrives ${kind}`, async () => {
        upstream.plan({ text, fault: { kind } })
        const data = await events(await ask(asked))
        expect(data.at(-1)).toBe('[DONE]')
        const words = data.slice(0, -1).map((one) => JSON.parse(one).choices[0]?.delta.content ?? '')
        expect(words.join('')).toBe(text)
      })
    }

    test('passes fields on that this service does not know', async () => {
      await ask({ model: 'gpt-5-mini', tomorrow: { parameter: 1 } })
      expect(upstream.requests[0]?.body).toMatchObject({ tomorrow: { parameter: 1 } })
      expect(upstream.requests[0]?.headers.authorization).toBe('Bearer sk-upstream-key')
    })
  })

  describe('translated for Anthropic', () => {
    test('carries system text, images, tools and results over', async () => {
      const call = { id: 'c1', type: 'function', function: { name: 'see', arguments: '{"a":1}' } }
      const tools = [
        { type: 'function', function: { name: 'see', description: 'Sees.', parameters: { type: 'object' } } },
      ]
      const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } }
      await ask({
        model: 'anthropic/claude-sonnet-5-5',
        max_tokens: 9,
        temperature: 1.4,
        stop: 'END',
        tools,
        tool_choice: { type: 'function', function: { name: 'see' } },
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Look:' }, image] },
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 'c1', content: 'seen' },
          { role: 'user', content: 'and?' },
        ],
      })
      const request = upstream.requests.find(({ method }) => method === 'POST')
      expect(request?.headers['x-api-key']).toBe('sk-upstream-key')
      expect(request?.body).toEqual({
        model: 'claude-sonnet-5-5',
        max_tokens: 9,
        temperature: 1,
        stop_sequences: ['END'],
        stream: true,
        system: 'Be brief.',
        tools: [{ name: 'see', description: 'Sees.', input_schema: { type: 'object', properties: {} } }],
        tool_choice: { type: 'tool', name: 'see' },
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Look:' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0=' } },
            ],
          },
          { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'see', input: { a: 1 } }] },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'seen' }] },
              { type: 'text', text: 'and?' },
            ],
          },
        ],
      })
    })
  })

  describe('that the upstream fails', () => {
    const refusals: [number, number, string][] = [
      [400, 400, 'upstream_rejected'],
      [401, 502, 'upstream_credentials'],
      [403, 502, 'upstream_credentials'],
      [404, 404, 'model_not_found'],
      [429, 429, 'upstream_limited'],
      [500, 502, 'upstream_failed'],
      [503, 503, 'upstream_overloaded'],
      [529, 503, 'upstream_overloaded'],
    ]
    for (const [status, answered, code] of refusals) {
      test(`with ${status} is answered ${answered} ${code}, in no words of the upstream’s`, async () => {
        for (const model of dialects) {
          for (const stream of [true, false]) {
            const body = JSON.stringify({
              error: { message: secret, type: secret, code: secret, param: 'messages[0].content' },
            })
            upstream.plan({ fault: { kind: 'status', status, body, headers: { 'retry-after': '7' } } })
            const response = await ask({ model, stream })
            const error = await errorOf(response)
            expect([response.status, error.code]).toEqual([answered, code])
            expect(JSON.stringify(error)).not.toContain(secret)
            if (status === 400) expect(error.param).toBe('messages[0].content')
            if (status === 429) expect(response.headers.get('retry-after')).toBe('7')
            if (status === 401) expect(response.headers.get('x-should-retry')).toBe('false')
          }
        }
      })
    }

    const breaks: [UpstreamFault, string][] = [
      [{ kind: 'cut', afterEvents: 3 }, 'upstream_failed'],
      [{ kind: 'early_end', afterEvents: 3 }, 'upstream_failed'],
      [{ kind: 'malformed', afterEvents: 3 }, 'upstream_failed'],
      [{ kind: 'error_event', afterEvents: 3, message: secret }, 'upstream_'],
      [{ kind: 'stall', afterEvents: 4 }, 'upstream_timeout'],
      [{ kind: 'comments', afterEvents: 4 }, 'upstream_timeout'],
    ]
    for (const [fault, code] of breaks) {
      test(`in the middle of a stream (${fault.kind}) ends in an error event and no [DONE]`, async () => {
        if (code === 'upstream_timeout') house = await impatient()
        for (const model of dialects) {
          upstream.plan({ text: 'one two three four five', fault })
          const response = await ask({ model, stream: true })
          const text = await response.text()
          expect(response.status).toBe(200)
          expect(text).not.toContain('[DONE]')
          expect(text).not.toContain(secret)
          const last = text.trim().split('\n').at(-1) ?? ''
          expect(JSON.parse(last.replace('data: ', '')).error.code).toStartWith(code)
        }
      })
    }

    test('before its first token is a 504 and the upstream is let go', async () => {
      house = await impatient()
      for (const model of dialects) {
        upstream.plan({ fault: { kind: 'hang' } })
        const response = await ask({ model, stream: true })
        expect([response.status, (await errorOf(response)).code]).toEqual([504, 'upstream_timeout'])
        expect(await upstream.requests.at(-1)?.ended).not.toBe('complete')
      }
    })

    test('for longer than a call may take is a 504', async () => {
      house = await testHouse({ upstream: upstream.url, callMs: 200 })
      upstream.plan({ fault: { kind: 'hang' } })
      const response = await ask({ model: 'gpt-5-mini' })
      expect([response.status, (await errorOf(response)).code]).toEqual([504, 'upstream_timeout'])
      expect(await upstream.requests.at(-1)?.ended).not.toBe('complete')
    })

    test('with something that is no JSON is a 502', async () => {
      upstream.plan({ fault: { kind: 'not_json' } })
      expect((await ask({ model: 'gpt-5-mini' })).status).toBe(502)
    })

    test('shows in the provider’s state', async () => {
      upstream.plan({ fault: { kind: 'status', status: 500 } })
      await ask({ model: 'gpt-5-mini' })
      await ask({ model: 'claude-sonnet-5-5' })
      const { providers } = (await (await house.fetch('/v1/providers')).json()) as {
        providers: Record<string, unknown>[]
      }
      expect(providers.map(({ id, isDefault }) => [id, isDefault])).toEqual([
        ['openai', true],
        ['anthropic', false],
        ['offline', false],
      ])
      expect(providers[0]).toMatchObject({ hasKey: true, lastErrorKind: 'failed', lastOkAtMs: null })
      expect(providers[1]?.lastOkAtMs).toBeNumber()
      expect(JSON.stringify(providers)).not.toContain('sk-upstream')
    })
  })

  describe('on the books', () => {
    test('is recorded before the upstream is asked, and its outcome before the last byte', async () => {
      for (const model of [...dialects, 'offline']) {
        house.audit.records.length = 0
        const gate = Promise.withResolvers<void>()
        upstream.plan(
          ...(model === 'offline'
            ? []
            : [{ text: 'a b c', fault: { kind: 'wait' as const, afterEvents: 2, until: gate.promise } }]),
        )
        const response = await ask({ model, stream: true })
        expect(house.audit.records.map(({ action }) => action)).toEqual(['ai.call.requested'])
        gate.resolve()
        let isRecordedAtDone = false
        if (response.body) {
          for await (const { data } of readSse(response.body)) {
            if (data === '[DONE]') isRecordedAtDone = house.audit.records.length === 2
          }
        }
        expect(isRecordedAtDone).toBe(true)
        const [intent, outcome] = house.audit.records
        expect(outcome).toMatchObject({
          action: 'ai.call.completed',
          outcome: 'success',
          parentId: intent?.id,
          tenant: 'acme',
        })
        expect(outcome?.data).toMatchObject({ finishReason: 'stop', promptTokens: expect.any(Number), reason: null })
        expect(intent?.data.requestSha256).toMatch(/^[0-9a-f]{64}$/)
      }
    })

    test('emits what it cost to the tenant’s topic', async () => {
      await ask({ model: 'gpt-5-mini' })
      expect(house.events).toHaveLength(1)
      expect(house.events[0]).toMatchObject({
        tenant: 'acme',
        topic: 'ai',
        type: 'ai.call.completed',
        data: { provider: 'openai', model: 'gpt-5-mini', promptTokens: 11, completionTokens: 7, outcome: 'success' },
      })
    })

    test('is refused and never made when its intent cannot be recorded', async () => {
      house.audit.isAway = true
      const response = await ask({ model: 'gpt-5-mini' })
      expect([response.status, (await errorOf(response)).code]).toEqual([503, 'audit_unavailable'])
      expect(upstream.requests).toHaveLength(0)
    })

    test('does not end well when its outcome cannot be recorded', async () => {
      const gate = Promise.withResolvers<void>()
      upstream.plan({ text: 'a b c', fault: { kind: 'wait', afterEvents: 2, until: gate.promise } })
      const response = await ask({ model: 'gpt-5-mini', stream: true })
      house.audit.isAway = true
      gate.resolve()
      const data = await events(response)
      expect(data).not.toContain('[DONE]')
      expect(JSON.parse(data.at(-1) ?? '').error.code).toBe('audit_unavailable')
    })

    test('goes on when the event bus is away', async () => {
      const emit = () => Promise.reject(new Error('no bus'))
      house = await testHouse({ upstream: upstream.url, emit })
      expect((await ask({ model: 'gpt-5-mini' })).status).toBe(200)
      expect(await house.host.metrics.text()).toContain('sc_ai_event_misses_total 1')
    })

    test('that the client leaves is recorded as such and gives its slot back', async () => {
      house = await testHouse({ upstream: upstream.url, slots: new Semaphore(1, 0) })
      for (const model of dialects) {
        house.audit.records.length = 0
        upstream.plan({ text: 'and on '.repeat(50_000) })
        const leave = new AbortController()
        const response = await ask({ model, stream: true }, { signal: leave.signal })
        await response.body?.getReader().read()
        expect((await ask({ model })).status).toBe(429)
        leave.abort()
        expect(await upstream.requests.at(-1)?.ended).not.toBe('complete')
        while (house.audit.records.length < 2) await Bun.sleep(1)
        expect(house.audit.records[1]).toMatchObject({ outcome: 'failure', data: { reason: 'client_left' } })
      }
    })

    test('counts calls and tokens by provider', async () => {
      await ask({ model: 'gpt-5-mini' })
      const text = await house.host.metrics.text()
      expect(text).toContain('sc_ai_calls_total{provider="openai",outcome="success"} 1')
      expect(text).toContain('sc_ai_tokens_total{provider="openai",kind="completion"} 7')
      expect(text).toContain('sc_ai_first_token_seconds_count{provider="openai"} 1')
      expect(text).toContain('sc_ai_calls_active 0')
    })
  })

  describe('that is badly made', () => {
    const bad: [string, Record<string, unknown>, number, string | null][] = [
      ['no messages', { messages: [] }, 422, 'messages'],
      ['an unknown role', { messages: [{ role: 'wizard', content: 'x' }] }, 422, 'messages[0].role'],
      ['an empty user message', { messages: [{ role: 'user', content: '' }] }, 422, 'messages[0].content'],
      [
        'a result of no call',
        { messages: [...messages, { role: 'tool', tool_call_id: 'x', content: 'y' }] },
        422,
        'messages[1].tool_call_id',
      ],
      ['two answers', { n: 2 }, 422, 'n'],
      ['a tool that is not offered', { tool_choice: 'required' }, 422, 'tool_choice'],
    ]
    for (const [what, body, status, param] of bad) {
      test(`(${what}) is refused in OpenAI’s form, naming the field`, async () => {
        const response = await ask({ model: 'offline', ...body })
        const error = await errorOf(response)
        expect([response.status, error.param, error.type]).toEqual([status, param, 'invalid_request_error'])
        expect(house.audit.records).toHaveLength(0)
      })
    }

    test('(no JSON, wrong type, no key, wrong scope) is refused in OpenAI’s form', async () => {
      const send = (init: RequestInit & { key?: string }) => house.fetch(path, { method: 'POST', ...init })
      const json = { 'content-type': 'application/json' }
      const cases: [RequestInit & { key?: string }, number, string][] = [
        [{ body: '{"messages":', headers: json }, 400, 'malformed_json'],
        [{ body: 'hello', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
        [{ body: '{}', headers: json, key: '' }, 401, 'invalid_api_key'],
        [{ body: '{}', headers: json, key: await house.newKey(['audit:read']) }, 403, 'forbidden'],
      ]
      for (const [init, status, code] of cases) {
        const response = await send(init)
        expect([response.status, (await errorOf(response)).code]).toEqual([status, code])
      }
    })
  })

  test('repeated under one Idempotency-Key is made once', async () => {
    const headers = { 'idempotency-key': 'once' }
    const first = await (await ask({ model: 'gpt-5-mini' }, { headers })).text()
    expect(await (await ask({ model: 'gpt-5-mini' }, { headers })).text()).toBe(first)
    expect(upstream.requests).toHaveLength(1)
  })

  test('in a stream goes on while the replica drains, and ends in an error event at the last call', async () => {
    const never = new Promise(() => {})
    upstream.plan({ text: 'a b c', fault: { kind: 'wait', afterEvents: 3, until: never } })
    const response = await ask({ model: 'gpt-5-mini', stream: true })
    const reading = events(response)
    house.host.drain.endStreams()
    expect(house.host.drain.inFlight).toBe(1)
    house.host.drain.callLast()
    expect(JSON.parse((await reading).at(-1) ?? '').error.code).toBe('draining')
    while (house.audit.records.length < 2) await Bun.sleep(1)
    expect(house.audit.records[1]?.data.reason).toBe('draining')
  })
})

describe('without any provider key', () => {
  test('calls that name no model are answered by the offline model, which says so', async () => {
    const house = await testHouse()
    const answer = (await (await house.fetch(path, { json: { messages } })).json()) as Record<string, unknown>
    expect(answer).toMatchObject({ model: 'offline', system_fingerprint: 'offline' })
    const models = (await (await house.fetch('/v1/models')).json()) as { data: { id: string }[] }
    expect(models.data.map(({ id }) => id)).toEqual(['offline'])
  })

  test('a vendor’s model is not answered by somebody else', async () => {
    const house = await testHouse()
    const response = await house.fetch(path, { json: { messages, model: 'gpt-5-mini' } })
    expect(response.status).toBe(404)
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain('set OPENAI_API_KEY')
  })
})
