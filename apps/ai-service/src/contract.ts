/**
 * What others may know about this service: types only. Events go to the tenant's topic `ai`, as CloudEvents with source
 * `/ai-service`.
 */
export type { App } from './app.ts'

/** Data of `ai.call.completed`: a model call that ended, well or not. Subject: the session, else the call. */
export interface CallCompleted {
  callId: string
  sessionId: string | null
  /** `openai`, `anthropic` or `offline`. */
  provider: string
  model: string
  outcome: 'success' | 'failure'
  /** Why it failed: a closed word, never the upstream's text. */
  reason: string | null
  finishReason: string | null
  promptTokens: number | null
  completionTokens: number | null
  cachedTokens: number | null
  durationMs: number
  firstTokenMs: number | null
}

/** Data of `ai.session.created` and `ai.session.deleted`. Subject: the session. */
export interface SessionChanged {
  sessionId: string
  title: string | null
}

/** The events of this service by type. */
export interface AiEvents {
  'ai.call.completed': CallCompleted
  'ai.session.created': SessionChanged
  'ai.session.deleted': SessionChanged
}
