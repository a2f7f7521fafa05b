import type { ChatRequest } from '../chat/schemas.ts'

/** A call as a provider takes it: the model is named as the provider names it. */
export type ProviderRequest = ChatRequest & { model: string }

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export interface Usage {
  /** Everything that was read, cached tokens included. */
  promptTokens: number
  completionTokens: number
  /** The part of `promptTokens` the provider had in its cache. */
  cachedTokens: number
}

/** One step of an answer. `end` comes exactly once and last: an iteration that stops without it has thrown. */
export type Chunk =
  | { type: 'text'; text: string }
  | { type: 'refusal'; text: string }
  | { type: 'tool_call'; index: number; id: string; name: string }
  /** The next piece of the JSON text of the arguments of call `index`. */
  | { type: 'tool_arguments'; index: number; text: string }
  | { type: 'end'; finishReason: FinishReason; usage: Usage }

/** What has been seen of an answer so far; whole when its iteration is over. */
export interface Sighting {
  hasContent: boolean
  finishReason?: FinishReason
  usage?: Usage
}

/** An answer in the caller's own dialect. Everything but `last` may be sent as it comes; `last` only when the outcome is recorded. */
export interface Relay {
  contentType: 'text/event-stream' | 'application/json'
  /** Whole events (or nothing, for an answer in one piece). Throws {@link ProviderError}. */
  blocks: AsyncIterable<Uint8Array>
  seen: Sighting
  /** What ends the answer; read it after `blocks` is through. */
  last(): Uint8Array
}

export interface ProviderModel {
  id: string
  /** Seconds since the Unix epoch; 0 when the provider does not say. */
  created: number
  ownedBy: string
}

/** Somebody who answers chat requests. Adapters never retry and never log; they throw {@link ProviderError}. */
export interface Provider {
  readonly id: string
  /** The protocol spoken upstream. */
  readonly kind: 'openai' | 'anthropic' | 'offline'
  readonly baseUrl: string | null
  /** Answers calls that name no model. */
  readonly defaultModel: string
  /** What would make it ready, for people: `set OPENAI_API_KEY`. */
  readonly remedy: string
  hasKey(): boolean
  /** Whether it may be called at all: it has a key, or needs none. */
  isReady(): boolean
  /** Whether a model belongs to it by its name alone; its own list decides otherwise. */
  claims(model: string): boolean
  models(signal: AbortSignal): Promise<ProviderModel[]>
  /** Resolves when the upstream has taken the call. An abort of `signal` ends it, and whatever waits for it throws. */
  complete(request: ProviderRequest, signal: AbortSignal): Promise<AsyncIterable<Chunk>>
  /** OpenAI's dialect in and out: the upstream's own bytes. Absent where they would have to be translated. */
  relay?(request: ProviderRequest, signal: AbortSignal): Promise<Relay>
}

export type ProviderErrorKind =
  | 'credentials'
  | 'rate_limited'
  | 'overloaded'
  | 'rejected'
  | 'model_absent'
  | 'unreachable'
  | 'first_token_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  | 'cut'
  | 'malformed'
  | 'failed'

/** Why a provider did not answer. `message` is for logs; nothing of the upstream's own text may reach a client. */
export class ProviderError extends Error {
  readonly status: number | undefined
  readonly retryAfterSeconds: number | undefined
  /** The request field the provider refused, when it named one that looks like a field. */
  readonly param: string | undefined

  constructor(
    readonly kind: ProviderErrorKind,
    message: string,
    more: { status?: number; retryAfterSeconds?: number | undefined; param?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause })
    this.name = 'ProviderError'
    this.status = more.status
    this.retryAfterSeconds = more.retryAfterSeconds
    this.param = more.param
  }
}
