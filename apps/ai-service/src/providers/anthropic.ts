import type { RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { messagesRequest } from './anthropic-request.ts'
import { modelList } from './model-list.ts'
import type { Chunk, FinishReason, Provider, Usage } from './port.ts'
import { ProviderError } from './port.ts'
import { SseBlocks } from './sse-blocks.ts'
import { bodyOf, type Held, type Patience, parsed, post } from './upstream.ts'

export interface AnthropicOptions {
  /** Asked before every call, so that a rotated key file takes effect. */
  key: () => string | undefined
  /** Without the version: `https://api.anthropic.com`. */
  baseUrl: string
  patience: Patience
}

/**
 * Anthropic's Messages, translated from and to chat requests. Spoken over plain fetch: the vendor's types are checked
 * against at compile time, but its client would retry behind our back and costs 27 MB.
 * Source: https://platform.claude.com/docs/en/api/messages-streaming
 */
export function anthropic({ key, baseUrl, patience }: AnthropicOptions): Provider {
  const base = baseUrl.replace(/\/+$/, '')
  const headers = (): Record<string, string> => {
    const secret = key()
    if (!secret) throw new ProviderError('credentials', 'no key is set')
    return { 'x-api-key': secret, 'anthropic-version': '2023-06-01' }
  }
  const list = modelList<{ id: string; created_at?: string }>({
    url: `${base}/v1/models?limit=1000`,
    headers,
    read: ({ id, created_at }) => ({
      id,
      created: Math.floor(Date.parse(created_at ?? '') / 1000) || 0,
      ownedBy: 'anthropic',
    }),
  })

  return {
    id: 'anthropic',
    kind: 'anthropic',
    baseUrl: base,
    defaultModel: 'claude-sonnet-5-5',
    remedy: 'set ANTHROPIC_API_KEY',
    hasKey: () => Boolean(key()),
    isReady: () => Boolean(key()),
    claims: (model) => model.startsWith('claude-'),
    models: list,
    complete: async (request, signal) => {
      const body = messagesRequest(request)
      const held = await post({ url: `${base}/v1/messages`, headers: headers(), body }, patience, signal)
      return chunksOf(events(held, patience))
    },
  }
}

async function* events(held: Held, patience: Patience): AsyncGenerator<RawMessageStreamEvent> {
  const splitter = new SseBlocks()
  let hasContent = false
  try {
    for await (const piece of bodyOf(held)) {
      for (const { data } of splitter.push(piece)) {
        if (data === '') continue
        const event = parsed<RawMessageStreamEvent | WireError>(data)
        if (event.type === 'error') throw errorOf(event)
        hasContent ||= event.type === 'content_block_delta'
        if (hasContent) held.wait(patience.idleMs, 'idle_timeout')
        yield event
        if (event.type === 'message_stop') return
      }
    }
  } catch (error) {
    throw held.explain(error)
  } finally {
    held.release()
  }
  throw new ProviderError('cut', 'the stream ended before its last event')
}

interface WireError {
  type: 'error'
  error?: { type?: string }
}

function errorOf({ error }: WireError): ProviderError {
  if (error?.type === 'overloaded_error') return new ProviderError('overloaded', 'overloaded inside the stream')
  if (error?.type === 'rate_limit_error') return new ProviderError('rate_limited', 'rate limited inside the stream')
  return new ProviderError('failed', 'the provider reported an error inside the stream')
}

async function* chunksOf(stream: AsyncIterable<RawMessageStreamEvent>): AsyncGenerator<Chunk> {
  const usage: Usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 }
  let finishReason: FinishReason = 'stop'
  /** Our running number of the tool call in each content block, and whether its arguments have begun. */
  const calls = new Map<number, { index: number; hasArguments: boolean }>()

  for await (const event of stream) {
    switch (event.type) {
      case 'message_start':
        readUsage(event.message.usage, usage)
        break
      case 'content_block_start': {
        const block = event.content_block
        if (block.type === 'text' && block.text !== '') yield { type: 'text', text: block.text }
        if (block.type !== 'tool_use') break
        const index = calls.size
        calls.set(event.index, { index, hasArguments: false })
        yield { type: 'tool_call', index, id: block.id, name: block.name }
        break
      }
      case 'content_block_delta': {
        if (event.delta.type === 'text_delta') yield { type: 'text', text: event.delta.text }
        const call = calls.get(event.index)
        if (!call || event.delta.type !== 'input_json_delta' || event.delta.partial_json === '') break
        call.hasArguments = true
        yield { type: 'tool_arguments', index: call.index, text: event.delta.partial_json }
        break
      }
      case 'content_block_stop': {
        // A tool without arguments sends no JSON at all; chat clients parse the text they get.
        const call = calls.get(event.index)
        if (call && !call.hasArguments) yield { type: 'tool_arguments', index: call.index, text: '{}' }
        break
      }
      case 'message_delta':
        finishReason = reasons[event.delta.stop_reason ?? ''] ?? 'stop'
        readUsage(event.usage, usage)
        break
      case 'message_stop':
        yield { type: 'end', finishReason, usage }
    }
  }
}

const reasons: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

interface WireUsage {
  input_tokens?: number | null
  output_tokens?: number
  cache_read_input_tokens?: number | null
  cache_creation_input_tokens?: number | null
}

/** Anthropic counts cached tokens beside the input, chat completions inside it; the later event has the last word. */
function readUsage(wire: WireUsage | undefined, usage: Usage): void {
  if (typeof wire?.input_tokens === 'number') {
    usage.cachedTokens = wire.cache_read_input_tokens ?? 0
    usage.promptTokens = wire.input_tokens + usage.cachedTokens + (wire.cache_creation_input_tokens ?? 0)
  }
  usage.completionTokens = wire?.output_tokens ?? usage.completionTokens
}
