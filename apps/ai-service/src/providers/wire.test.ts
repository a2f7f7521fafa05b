import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import OpenAI from 'openai'
import { keyFrom } from './key-file.ts'
import { SseBlocks } from './sse-blocks.ts'

/** What our tests take for a provider must be one to the vendors' own clients. */
describe('the fake upstream satisfies the official client of', () => {
  let upstream: FakeModelUpstream
  beforeAll(async () => {
    upstream = await startFakeModelUpstream()
  })
  afterAll(() => upstream.close())
  const plan = { text: 'Looking it up.', toolCalls: [{ name: 'look_up', arguments: { query: 'kettle' } }] }

  test('OpenAI', async () => {
    const client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'x', maxRetries: 0 })
    const body = { model: 'gpt-5-mini', messages: [{ role: 'user' as const, content: 'hello' }] }
    upstream.plan(plan, plan)
    const whole = await client.chat.completions.create(body)
    const streamed = await client.chat.completions.stream(body).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]?.message.content).toBe(plan.text)
      expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({
        function: { name: 'look_up', arguments: '{"query":"kettle"}' },
      })
    }
    expect((await client.models.list()).data.length).toBeGreaterThan(0)
  })

  test('Anthropic', async () => {
    const client = new Anthropic({ baseURL: upstream.url, apiKey: 'x', maxRetries: 0 })
    const body = {
      model: 'claude-sonnet-5-5',
      max_tokens: 50,
      messages: [{ role: 'user' as const, content: 'hello' }],
    }
    upstream.plan(plan, plan)
    const whole = await client.messages.create(body)
    const streamed = await client.messages.stream(body).finalMessage()
    for (const { content, stop_reason, usage } of [whole, streamed]) {
      expect(content).toMatchObject([
        { type: 'text', text: plan.text },
        { type: 'tool_use', name: 'look_up', input: { query: 'kettle' } },
      ])
      expect([stop_reason, usage.output_tokens]).toEqual(['tool_use', 7])
    }
  })
})

describe('cutting a stream into events', () => {
  const text =
    'data: {"a":"Grüße 東京"}\n\n: keep-alive\n\nevent: x\ndata: one\ndata: two\n\nid: 7\r\ndata:three\r\n\r\ndata: [DONE]\n\n'
  const bytes = new TextEncoder().encode(text)
  const expected = ['{"a":"Grüße 東京"}', '', 'one\ntwo', 'three', '[DONE]']

  test('gives the same events and the same bytes wherever the pieces end', () => {
    for (let first = 0; first <= bytes.length; first++) {
      for (const second of [first, first + 1, first + 3, bytes.length]) {
        const splitter = new SseBlocks()
        const pieces = [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)]
        const blocks = pieces.flatMap((piece) => splitter.push(piece))
        expect(blocks.map(({ data }) => data)).toEqual(expected)
        expect(Buffer.concat(blocks.map((block) => block.bytes)).toString()).toBe(text)
        expect(splitter.isClean).toBe(true)
      }
    }
  })

  test('keeps back what is not whole, and refuses an event without end', () => {
    const splitter = new SseBlocks(100)
    expect(splitter.push(new TextEncoder().encode('data: half'))).toEqual([])
    expect(splitter.isClean).toBe(false)
    expect(() => splitter.push(new Uint8Array(200).fill(97))).toThrow('longer than 100 bytes')
  })
})

test('a key file that appears, changes and goes switches its provider', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sc-key-'))
  const file = join(folder, 'key')
  let nowMs = 0
  const key = keyFrom({ value: undefined, file, nowMs: () => nowMs })
  const later = () => {
    nowMs += 1_001
    return key()
  }
  try {
    expect(later()).toBeUndefined()
    writeFileSync(file, 'sk-one\n')
    expect(later()).toBe('sk-one')
    writeFileSync(file, 'sk-two-longer\n')
    expect(key()).toBe('sk-one')
    expect(later()).toBe('sk-two-longer')
    rmSync(file)
    expect(later()).toBeUndefined()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
