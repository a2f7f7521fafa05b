import { modelList } from './model-list.ts'
import type { Chunk, FinishReason, Provider, ProviderRequest, Relay, Sighting, Usage } from './port.ts'
import { ProviderError } from './port.ts'
import { type Block, SseBlocks } from './sse-blocks.ts'
import { bodyOf, type Held, type Patience, parsed, post, readWhole } from './upstream.ts'

export interface OpenaiOptions {
  /** Asked before every call, so that a rotated key file takes effect. */
  key: () => string | undefined
  /** With the version: `https://api.openai.com/v1`. */
  baseUrl: string
  /** A server of one's own may need no key. */
  needsKey: boolean
  patience: Patience
}

const answerBytesMax = 64 * 1024 * 1024
const DONE = '[DONE]'

/**
 * OpenAI, and every server that speaks its Chat Completions (vLLM, Ollama, …). Same dialect in and out, so bytes are
 * forwarded as they are and only looked at. The vendor's client is not used: re-serialising through it costs ten times
 * the processor time a stream, and it would retry behind our back.
 */
export function openai({ key, baseUrl, needsKey, patience }: OpenaiOptions): Provider {
  const base = baseUrl.replace(/\/+$/, '')
  const headers = (): Record<string, string> => {
    const secret = key()
    if (!secret && needsKey) throw new ProviderError('credentials', 'no key is set')
    return secret ? { authorization: `Bearer ${secret}` } : {}
  }
  const call = (request: ProviderRequest, signal: AbortSignal) =>
    post({ url: `${base}/chat/completions`, headers: headers(), body: request }, waitFor(request), signal)
  // An answer in one piece begins when it is done: only the deadline of the whole call holds for it.
  const waitFor = ({ stream }: ProviderRequest) => (stream ? patience : { ...patience, firstTokenMs: 2 ** 31 - 1 })
  const list = modelList<{ id: string; created?: number; owned_by?: string }>({
    url: `${base}/models`,
    headers,
    read: (model) => ({ id: model.id, created: model.created ?? 0, ownedBy: model.owned_by ?? 'openai' }),
  })

  return {
    id: 'openai',
    kind: 'openai',
    baseUrl: base,
    defaultModel: 'gpt-5-mini',
    remedy: 'set OPENAI_API_KEY',
    hasKey: () => Boolean(key()),
    isReady: () => !needsKey || Boolean(key()),
    claims: (model) => /^(gpt-|chatgpt-|codex-|o\d)/.test(model),
    models: list,
    complete: async (request, signal) => chunksOf(await call(streaming(request), signal), patience),
    relay: async (request, signal) => {
      if (!request.stream) return wholeOf(await call(request, signal))
      const showsUsage = request.stream_options?.include_usage === true
      return streamOf(await call(streaming(request), signal), { patience, showsUsage })
    },
  }
}

/** The usage is wanted for every call, whether or not the client asked. */
const streaming = (request: ProviderRequest): ProviderRequest => ({
  ...request,
  stream: true,
  stream_options: { ...request.stream_options, include_usage: true },
})

async function wholeOf(held: Held): Promise<Relay> {
  const bytes = await readWhole(held, answerBytesMax)
  const answer = parsed<WireChunk>(new TextDecoder().decode(bytes))
  if (!Array.isArray(answer.choices)) throw new ProviderError('malformed', 'the answer has no choices')
  const seen: Sighting = { hasContent: true }
  look(answer, seen)
  return { contentType: 'application/json', blocks: nothing(), seen, last: () => bytes }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function streamOf(held: Held, { patience, showsUsage }: { patience: Patience; showsUsage: boolean }): Relay {
  const seen: Sighting = { hasContent: false }
  let last = new Uint8Array(0)
  async function* blocks() {
    for await (const batch of events(held, patience, seen)) {
      const end = batch.find(({ data }) => data === DONE)
      if (end) last = new Uint8Array(end.bytes)
      const passed = batch.filter((block) => block !== end && (showsUsage || !isUsageOnly(block.data)))
      if (passed.length > 0) yield joined(passed)
    }
  }
  return { contentType: 'text/event-stream', blocks: blocks(), seen, last: () => last }
}

/** The events that came together go on together: one write for many. */
function joined(blocks: Block[]): Uint8Array {
  if (blocks.length === 1 && blocks[0]) return blocks[0].bytes
  const whole = new Uint8Array(blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0))
  let at = 0
  for (const { bytes } of blocks) {
    whole.set(bytes, at)
    at += bytes.byteLength
  }
  return whole
}

const isUsageOnly = (data: string) => data.includes('"choices":[]') && data.includes('"usage":{')

async function* chunksOf(held: Held, patience: Patience): AsyncGenerator<Chunk> {
  const seen: Sighting = { hasContent: false }
  for await (const batch of events(held, patience, seen)) {
    for (const { data } of batch) if (data !== DONE && data !== '') yield* chunksIn(parsed<WireChunk>(data))
  }
  yield { type: 'end', finishReason: seen.finishReason ?? 'stop', usage: seen.usage ?? noUsage }
}

function* chunksIn({ choices }: WireChunk): Generator<Chunk> {
  const delta = choices?.[0]?.delta
  if (delta?.content) yield { type: 'text', text: delta.content }
  if (delta?.refusal) yield { type: 'refusal', text: delta.refusal }
  for (const { index, id, function: call } of delta?.tool_calls ?? []) {
    if (id && call?.name) yield { type: 'tool_call', index, id, name: call.name }
    if (call?.arguments) yield { type: 'tool_arguments', index, text: call.arguments }
  }
}

const noUsage: Usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 }

/**
 * The stream's events up to and with `[DONE]`, as many at a time as came together; a stream that ends before it was cut,
 * whatever the socket says. What came before a bad event is still handed on.
 */
async function* events(held: Held, patience: Patience, seen: Sighting): AsyncGenerator<Block[]> {
  const splitter = new SseBlocks()
  try {
    for await (const piece of bodyOf(held)) {
      const { batch, failure } = inspected(splitter.push(piece), seen)
      if (seen.hasContent && batch.some(({ data }) => data !== '')) held.wait(patience.idleMs, 'idle_timeout')
      if (batch.length > 0) yield batch
      if (failure) throw failure
      if (batch.at(-1)?.data === DONE) return
    }
  } catch (error) {
    throw held.explain(error)
  } finally {
    held.release()
  }
  throw new ProviderError('cut', 'the stream ended before its last event')
}

function inspected(blocks: Block[], seen: Sighting): { batch: Block[]; failure?: unknown } {
  const batch: Block[] = []
  for (const block of blocks) {
    try {
      inspect(block.data, seen)
    } catch (failure) {
      return { batch, failure }
    }
    batch.push(block)
    if (block.data === DONE) break
  }
  return { batch }
}

const hasContent = /"(content|refusal|reasoning|reasoning_content|transcript)":"(?!")|"tool_calls":\[\{/

/** Looks at an event as text and parses only the few that carry more than content. */
function inspect(data: string, seen: Sighting): void {
  if (data === '' || data === DONE) return
  if (!data.startsWith('{') || !data.trimEnd().endsWith('}')) {
    throw new ProviderError('malformed', 'an event of the stream is not a JSON object')
  }
  if (/^\{\s*"error"/.test(data)) throw new ProviderError('failed', 'the provider reported an error inside the stream')
  seen.hasContent ||= hasContent.test(data)
  if (data.includes('"usage":{') || data.includes('"finish_reason":"')) look(parsed<WireChunk>(data), seen)
}

const reasons: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

function look({ choices, usage }: WireChunk, seen: Sighting): void {
  const reason = choices?.[0]?.finish_reason
  if (reason) seen.finishReason = reasons[reason] ?? 'stop'
  if (!usage) return
  seen.usage = {
    promptTokens: usage.prompt_tokens ?? 0,
    completionTokens: usage.completion_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  }
}

/** The part of a chunk or of a whole answer that is read here; every field may be missing on somebody's server. */
interface WireChunk {
  choices?: {
    finish_reason?: string | null
    delta?: {
      content?: string | null
      refusal?: string | null
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[]
    }
  }[]
  usage?: {
    prompt_tokens?: number
    completion_tokens?: number
    prompt_tokens_details?: { cached_tokens?: number } | null
  } | null
}
