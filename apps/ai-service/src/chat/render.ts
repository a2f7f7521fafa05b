import { uuidv7 } from '@santaclaude/kit/ids'
import { encodeSse } from '@santaclaude/kit/sse'
import type { Chunk, ProviderRequest, Relay, Sighting, Usage } from '../providers/port.ts'

export interface RenderOptions {
  request: ProviderRequest
  /** Becomes `system_fingerprint`: who really answered. */
  fingerprint: string
}

const encoder = new TextEncoder()

/** Chunks of any provider as an answer in OpenAI's dialect, streamed or whole as the request asks. */
export function rendered(chunks: AsyncIterable<Chunk>, options: RenderOptions): Relay {
  return options.request.stream ? asStream(chunks, options) : asWhole(chunks, options)
}

const frame = ({ request, fingerprint }: RenderOptions, object: string) => ({
  id: `chatcmpl-${uuidv7().replaceAll('-', '')}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model: request.model,
  system_fingerprint: fingerprint,
})

const wireUsage = ({ promptTokens, completionTokens, cachedTokens }: Usage) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
})

function asStream(chunks: AsyncIterable<Chunk>, options: RenderOptions): Relay {
  const seen: Sighting = { hasContent: false }
  const base = frame(options, 'chat.completion.chunk')
  const showsUsage = options.request.stream_options?.include_usage === true
  const event = (choices: unknown[], usage: unknown = null) =>
    encoder.encode(encodeSse({ data: { ...base, choices, ...(showsUsage && { usage }) } }))
  const delta = (delta: unknown, finish: string | null = null) =>
    event([{ index: 0, delta, logprobs: null, finish_reason: finish }])

  async function* blocks() {
    yield delta({ role: 'assistant', content: '', refusal: null })
    for await (const chunk of chunks) {
      note(chunk, seen)
      if (chunk.type !== 'end') yield delta(deltaOf(chunk))
      else {
        yield delta({}, chunk.finishReason)
        if (showsUsage) yield event([], wireUsage(chunk.usage))
      }
    }
  }
  return {
    contentType: 'text/event-stream',
    blocks: blocks(),
    seen,
    last: () => encoder.encode(encodeSse({ data: '[DONE]' })),
  }
}

function deltaOf(chunk: Exclude<Chunk, { type: 'end' }>) {
  switch (chunk.type) {
    case 'text':
      return { content: chunk.text }
    case 'refusal':
      return { refusal: chunk.text }
    case 'tool_call': {
      const { index, id, name } = chunk
      return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }
    }
    case 'tool_arguments':
      return { tool_calls: [{ index: chunk.index, function: { arguments: chunk.text } }] }
  }
}

function asWhole(chunks: AsyncIterable<Chunk>, options: RenderOptions): Relay {
  const seen: Sighting = { hasContent: false }
  const answer = new Assembly()
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      note(chunk, seen)
      answer.add(chunk)
    }
    // Everything is said at once, in `last`.
    yield* []
  }
  return {
    contentType: 'application/json',
    blocks: blocks(),
    seen,
    last: () => {
      const choice = { index: 0, message: answer.message(), logprobs: null, finish_reason: seen.finishReason ?? 'stop' }
      const usage = seen.usage && { usage: wireUsage(seen.usage) }
      return encoder.encode(JSON.stringify({ ...frame(options, 'chat.completion'), choices: [choice], ...usage }))
    },
  }
}

/** Notes what a chunk shows of the answer as a whole. */
export function note(chunk: Chunk, seen: Sighting): void {
  if (chunk.type !== 'end') seen.hasContent = true
  else {
    seen.finishReason = chunk.finishReason
    seen.usage = chunk.usage
  }
}

/** Chunks put together to one assistant message. */
export class Assembly {
  private text = ''
  private refusal = ''
  private readonly calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = []

  add(chunk: Chunk): void {
    if (chunk.type === 'text') this.text += chunk.text
    else if (chunk.type === 'refusal') this.refusal += chunk.text
    else if (chunk.type === 'tool_call') {
      this.calls[chunk.index] = { id: chunk.id, type: 'function', function: { name: chunk.name, arguments: '' } }
    } else if (chunk.type === 'tool_arguments') {
      const call = this.calls[chunk.index]
      if (call) call.function.arguments += chunk.text
    }
  }

  message() {
    const calls = this.calls.filter((call) => call !== undefined)
    return {
      role: 'assistant' as const,
      content: this.text === '' && (calls.length > 0 || this.refusal !== '') ? null : this.text,
      refusal: this.refusal === '' ? null : this.refusal,
      ...(calls.length > 0 && { tool_calls: calls }),
    }
  }
}
