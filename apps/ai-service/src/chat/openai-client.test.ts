import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import OpenAI from 'openai'
import { type TestHouse, testHouse } from '../app.fixture.ts'

/** The official client over real sockets, with nothing changed but its base URL. */
describe('the official OpenAI client', () => {
  let upstream: FakeModelUpstream
  let house: TestHouse
  let server: ReturnType<typeof Bun.serve>
  let client: OpenAI

  beforeAll(async () => {
    upstream = await startFakeModelUpstream()
    house = await testHouse({ upstream: upstream.url })
    server = Bun.serve({ hostname: '127.0.0.1', port: 0, idleTimeout: 0, fetch: house.handler })
    client = new OpenAI({ baseURL: `http://127.0.0.1:${server.port}/v1`, apiKey: house.key })
  })
  afterAll(async () => {
    await server.stop(true)
    await upstream.close()
  })

  const models = ['gpt-5-mini', 'claude-sonnet-5-5', 'offline']
  const messages = [{ role: 'user' as const, content: 'Sum these:\n3\n4' }]
  const tools = [
    {
      type: 'function' as const,
      function: {
        name: 'look_up',
        parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
      },
    },
  ]

  for (const model of models) {
    test(`gets a whole answer from ${model}`, async () => {
      const answer = await client.chat.completions.create({ model, messages })
      expect(answer.object).toBe('chat.completion')
      expect(answer.model).toBe(model)
      expect(answer.choices[0]?.message.content).toMatch(model === 'offline' ? /7/ : /You said: Sum these/)
      expect(answer.choices[0]?.finish_reason).toBe('stop')
      expect(answer.usage?.total_tokens).toBeGreaterThan(0)
      expect(answer._request_id).toBeTruthy()
    })

    test(`streams from ${model} and gets the usage it asked for`, async () => {
      const stream = await client.chat.completions.create({
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      })
      let text = ''
      let usage: OpenAI.CompletionUsage | null | undefined
      let finish: string | null | undefined
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        finish = chunk.choices[0]?.finish_reason ?? finish
        usage = chunk.usage ?? usage
      }
      expect(text.length).toBeGreaterThan(3)
      expect(finish).toBe('stop')
      expect(usage?.prompt_tokens).toBeGreaterThan(0)
    })

    test(`gets no usage from ${model} that it did not ask for`, async () => {
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull()
    })

    test(`runs a tool for ${model} through its stream helper and goes on with the result`, async () => {
      const first = client.chat.completions.stream({ model, messages, tools, tool_choice: 'required' })
      const message = (await first.finalChatCompletion()).choices[0]?.message
      const call = message?.tool_calls?.[0]
      if (!message || call?.type !== 'function') throw new Error('no tool call')
      expect(call.function.name).toBe('look_up')
      JSON.parse(call.function.arguments)
      const second = await client.chat.completions.create({
        model,
        tools,
        messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: 'The sum is 7.' }],
      })
      expect(second.choices[0]?.message.content).toBeTruthy()
    })
  }

  test('lists the models of every provider and shows one', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    for (const model of [...models, 'house-model']) expect(ids).toContain(model)
    expect((await client.models.retrieve('offline')).owned_by).toBe('offline')
  })

  test('gets its own error classes', async () => {
    const wrong = new OpenAI({ baseURL: client.baseURL, apiKey: 'sc_nobody', maxRetries: 0 })
    expect(await thrownBy(() => wrong.models.list())).toBeInstanceOf(OpenAI.AuthenticationError)
    const absent = await thrownBy(() => client.chat.completions.create({ model: 'no-such-model', messages }))
    expect(absent).toMatchObject({ status: 404, code: 'model_not_found', type: 'invalid_request_error' })
    expect(await thrownBy(() => client.models.retrieve('nothing'))).toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('repeats by itself what the upstream limits, and then succeeds', async () => {
    const limited = { kind: 'status' as const, status: 429, headers: { 'retry-after': '0' } }
    upstream.plan({ fault: limited }, { text: 'after all' })
    const answer = await client.chat.completions.create({ model: 'gpt-5-mini', messages })
    expect(answer.choices[0]?.message.content).toBe('after all')
  })

  test('meets an error, never an end, when the upstream is cut in the middle of a stream', async () => {
    for (const model of ['gpt-5-mini', 'claude-sonnet-5-5']) {
      upstream.plan({ text: 'one two three four five', fault: { kind: 'cut', afterEvents: 4 } })
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      const read = async () => {
        for await (const _ of stream);
      }
      expect(await thrownBy(read)).toMatchObject({ code: 'upstream_failed' })
    }
  })

  test('leaving a stream ends the upstream call', async () => {
    for (const model of ['gpt-5-mini', 'claude-sonnet-5-5']) {
      upstream.plan({ text: 'and on '.repeat(50_000) })
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      for await (const _ of stream) break
      stream.controller.abort()
      expect(await upstream.requests.at(-1)?.ended).not.toBe('complete')
    }
  })
})

/** What it throws; the client's promises are lazy, so they are awaited here and nowhere else. */
async function thrownBy(work: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  return undefined
}
