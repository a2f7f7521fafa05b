import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Chunk, Provider, ProviderErrorKind, ProviderRequest } from './port.ts'
import { ProviderError } from './port.ts'

/** One adapter as the suite needs it. */
export interface Candidate {
  provider: Provider
  /** A model it has. */
  model: string
  /** Makes the next call fail that way. */
  fail?: (how: ProviderErrorKind) => void
  /** Makes the next answer long, so that it cannot be over before it is abandoned. */
  prolong?: () => void
  /** Whether the last call was abandoned by us; absent for a provider without an upstream. */
  wasAbandoned?: () => Promise<boolean>
  close(): Promise<void>
}

const tool = {
  type: 'function' as const,
  function: {
    name: 'look_up',
    description: 'Looks a word up.',
    parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  },
}

/** What every provider does, whatever it speaks upstream. A provider without an upstream `fails` in no way. */
export function providerConformance(
  name: string,
  open: () => Promise<Candidate>,
  { fails = true }: { fails?: boolean } = {},
): void {
  describe(`the provider ${name}`, () => {
    let candidate: Candidate
    beforeAll(async () => {
      candidate = await open()
    })
    afterAll(() => candidate.close())

    const ask = (extra: Partial<ProviderRequest> = {}): ProviderRequest => ({
      model: candidate.model,
      messages: [{ role: 'user', content: 'Sum these:\n3\n4' }],
      ...extra,
    })
    const collect = async (request: ProviderRequest, signal = new AbortController().signal) => {
      const chunks: Chunk[] = []
      for await (const chunk of await candidate.provider.complete(request, signal)) chunks.push(chunk)
      return chunks
    }

    test('streams text in pieces and ends with one end that counts tokens', async () => {
      const chunks = await collect(ask())
      const text = chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : []))
      expect(text.length).toBeGreaterThan(1)
      expect(text.join('').trim()).not.toBe('')
      expect(chunks.filter(({ type }) => type === 'end')).toHaveLength(1)
      const last = chunks.at(-1)
      if (last?.type !== 'end') throw new Error('the last chunk is no end')
      expect(last.finishReason).toBe('stop')
      expect(last.usage.promptTokens).toBeGreaterThan(0)
      expect(last.usage.completionTokens).toBeGreaterThan(0)
    })

    test('calls the tool it must call, with arguments that are JSON', async () => {
      const chunks = await collect(ask({ tools: [tool], tool_choice: 'required' }))
      const calls = chunks.filter((chunk) => chunk.type === 'tool_call')
      expect(calls.map((call) => [call.index, call.name])).toEqual([[0, 'look_up']])
      expect(calls[0]?.id).not.toBe('')
      const args = chunks.flatMap((chunk) => (chunk.type === 'tool_arguments' ? [chunk.text] : [])).join('')
      expect(typeof JSON.parse(args)).toBe('object')
      expect(chunks.at(-1)).toMatchObject({ type: 'end', finishReason: 'tool_calls' })
    })

    test('goes on from a tool result', async () => {
      const call = {
        id: 'call_1',
        type: 'function' as const,
        function: { name: 'look_up', arguments: '{"query":"x"}' },
      }
      const messages: ProviderRequest['messages'] = [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'What does the word mean?' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: 'The word means kettle.' },
      ]
      expect((await collect(ask({ messages, tools: [tool] }))).at(-1)).toMatchObject({
        type: 'end',
        finishReason: 'stop',
      })
    })

    test('an abort ends the call with a throw and leaves nothing running', async () => {
      const stop = new AbortController()
      const seen: Chunk[] = []
      candidate.prolong?.()
      const run = async () => {
        for await (const chunk of await candidate.provider.complete(ask(), stop.signal)) {
          seen.push(chunk)
          stop.abort(new Error('enough'))
        }
      }
      await expect(run()).rejects.toThrow('enough')
      expect(seen.some(({ type }) => type === 'end')).toBe(false)
      if (candidate.wasAbandoned) expect(await candidate.wasAbandoned()).toBe(true)
    })

    test('a call that is aborted before it starts asks nobody', async () => {
      await expect(collect(ask(), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    })

    test('lists the models it has', async () => {
      const models = await candidate.provider.models(new AbortController().signal)
      expect(models.map(({ id }) => id)).toContain(candidate.model)
      expect(candidate.provider.isReady()).toBe(true)
    })

    const kinds: ProviderErrorKind[] = [
      'credentials',
      'rate_limited',
      'overloaded',
      'rejected',
      'model_absent',
      'failed',
      'cut',
      'malformed',
      'first_token_timeout',
      'idle_timeout',
    ]
    for (const kind of fails ? kinds : []) {
      test(`throws ${kind} as such, without the upstream's words`, async () => {
        candidate.fail?.(kind)
        const error = await collect(ask()).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(ProviderError)
        expect((error as ProviderError).kind).toBe(kind)
        expect(String((error as ProviderError).message)).not.toContain('upstream-secret')
      })
    }
  })
}
