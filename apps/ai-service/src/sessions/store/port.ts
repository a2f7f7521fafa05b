import type { ChatMessage, Tool } from '../../chat/schemas.ts'
import type { FinishReason, Usage } from '../../providers/port.ts'

/** Which session: no id of one tenant ever resolves in another. */
export interface SessionAddress {
  tenant: string
  id: string
}

/** What a session was created with. */
export interface NewSession extends SessionAddress {
  title: string | null
  /** The model of turns that name none; null = the service's default. */
  model: string | null
  /** Said to the model before everything else. */
  instructions: string | null
  /** Offered in turns that name none of their own. */
  tools: Tool[]
  metadata: Record<string, string>
  createdAtMs: number
}

export interface Session extends NewSession {
  updatedAtMs: number
  /** How many messages it holds, and their bytes as JSON. */
  messages: number
  bytes: number
  /** Tokens of all its completed turns. */
  promptTokens: number
  completionTokens: number
}

/** A message as it lies in a session. Those of the model say who wrote them and what they cost. */
export type SessionMessage = ChatMessage & {
  id: string
  turnId: string
  createdAtMs: number
  provider?: string
  model?: string
  finishReason?: FinishReason
  usage?: Usage
}

/** One event of a turn, for readers that lost their connection. `seq` counts from 1. */
export interface TurnEvent {
  seq: number
  event: string
  data: unknown
}

export interface Commit {
  turnId: string
  messages: SessionMessage[]
  usage: Usage
  nowMs: number
}

export interface StoreLimits {
  /** Kept this long after the last use, in seconds. */
  ttlSeconds: number
  /** Sessions of one tenant. */
  sessionsMax: number
  /** Messages of one session, and their bytes as JSON. */
  messagesMax: number
  bytesMax: number
}

/**
 * Where sessions are kept. A session has one turn at a time, which holds its lease; only the holder may commit. Times
 * are Unix milliseconds. Rejects with the Faults `store_unavailable` and `storage_full`.
 */
export interface SessionStore {
  /** False = the tenant has as many sessions as it may. */
  create(session: NewSession): Promise<boolean>
  find(address: SessionAddress): Promise<Session | undefined>
  /** Newest first; `before` is the last id of the page before. */
  list(tenant: string, page: { limit: number; before?: string | undefined }): Promise<Session[]>
  /** In order, from position `after` (0 = the start). */
  messages(address: SessionAddress, page: { limit: number; after: number }): Promise<SessionMessage[]>
  /** Whether it was there. A turn in progress can no longer commit. */
  delete(address: SessionAddress): Promise<boolean>

  /** Takes or renews the lease for a turn; false = another turn has it, or there is no such session. */
  lease(address: SessionAddress, turnId: string, leaseMs: number): Promise<boolean>
  release(address: SessionAddress, turnId: string): Promise<void>
  /** The turn in progress. */
  holder(address: SessionAddress): Promise<string | undefined>
  /** Adds a turn's messages all at once. `lost` = the lease is not the turn's any more. */
  commit(address: SessionAddress, commit: Commit): Promise<'done' | 'full' | 'lost'>

  /** Keeps events of a turn for ten minutes after the last. */
  addEvents(address: SessionAddress, turnId: string, events: TurnEvent[]): Promise<void>
  /** Those after `seq`, in order; empty for a turn nobody knows. */
  events(address: SessionAddress, turnId: string, after: number): Promise<TurnEvent[]>
}
