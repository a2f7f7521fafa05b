import type { Clock } from '@santaclaude/kit/clock'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { type Begun, begin, type CallPorts, left } from '../chat/call.ts'
import { Assembly, note } from '../chat/render.ts'
import type { ChatMessage, ChatRequest } from '../chat/schemas.ts'
import type { Chunk, FinishReason, Sighting, Usage } from '../providers/port.ts'
import type { Session, SessionAddress, SessionMessage, SessionStore, StoreLimits } from './store/port.ts'

export interface SessionPorts extends CallPorts {
  sessions: SessionStore
  sessionLimits: StoreLimits
  clock: Clock
}

/** What one turn adds and how it is answered. What is left out comes from the session. */
export type TurnInput = Partial<Omit<ChatRequest, 'messages' | 'stream'>> & {
  /** Short for one user message. */
  message?: string
  messages?: ChatMessage[]
}

/** The answer of a turn. `finishReason` `tool_calls` = run them and send their results as the next turn. */
export interface TurnAnswer {
  turnId: string
  sessionId: string
  message: SessionMessage
  finishReason: FinishReason
  usage: Usage
}

/** The events of a turn in their order: one `turn.started`, then deltas, then `turn.completed` unless it throws. */
export type TurnStep =
  | { event: 'turn.started'; data: { turnId: string; sessionId: string; provider: string; model: string } }
  | { event: 'text.delta' | 'refusal.delta'; data: { text: string } }
  | { event: 'tool_call.started'; data: { index: number; id: string; name: string } }
  | { event: 'tool_call.delta'; data: { index: number; text: string } }
  | { event: 'turn.completed'; data: TurnAnswer }

export interface Turn {
  id: string
  address: SessionAddress
  steps: AsyncGenerator<TurnStep>
}

const leaseMs = 15_000

/**
 * Begins a turn of a session: takes its lease, asks the model with the whole history. A turn is all or nothing: its
 * messages are kept when it completes, and a failed one leaves the session as it was.
 * Faults: session_not_found, session_busy, session_full, validation_failed and those of a model call.
 */
export async function beginTurn(
  ports: SessionPorts,
  ask: { who: Who; sessionId: string; input: TurnInput; signal: AbortSignal },
): Promise<Turn> {
  const address = { tenant: ask.who.tenant, id: ask.sessionId }
  const session = await foundSession(ports.sessions, address)
  const added = addedMessages(ask.input)
  if (session.messages + added.length >= ports.sessionLimits.messagesMax) throw new Fault('session_full')
  const id = uuidv7()
  const lease = await held(ports.sessions, address, id)
  try {
    const history = await ports.sessions.messages(address, { limit: session.messages, after: 0 })
    const request = requestOf({ session, history, added, input: ask.input })
    const { who, signal } = ask
    const begun = await begin(ports, { who, request, sessionId: session.id, signal }, (provider, request, signal) =>
      provider.complete(request, signal),
    )
    return { id, address, steps: steps(ports, { id, address, added, begun, lease, signal }) }
  } catch (error) {
    await lease.giveBack()
    throw error
  }
}

/** The session, or the Fault session_not_found. */
export async function foundSession(sessions: SessionStore, address: SessionAddress): Promise<Session> {
  const session = await sessions.find(address)
  if (!session) throw new Fault('session_not_found')
  return session
}

function addedMessages({ message, messages }: TurnInput): ChatMessage[] {
  const misfit = (path: string, words: string) =>
    new Fault('validation_failed', { detail: words, errors: [{ path, message: words }] })
  if ((message === undefined) === (messages === undefined)) throw misfit('/body', 'Send either message or messages.')
  const added = messages ?? [{ role: 'user' as const, content: message ?? '' }]
  const own = added.findIndex(({ role }) => role === 'assistant')
  if (own >= 0) throw misfit(`/body/messages/${own}/role`, 'The model’s messages come from the model.')
  return added
}

interface Asked {
  session: Session
  history: SessionMessage[]
  added: ChatMessage[]
  input: TurnInput
}

function requestOf({ session, history, added, input }: Asked): ChatRequest {
  const { message: _, messages: __, ...wishes } = input
  const model = input.model ?? session.model ?? undefined
  const tools = input.tools ?? session.tools
  const instructions = session.instructions === null ? [] : [{ role: 'system' as const, content: session.instructions }]
  return {
    ...wishes,
    messages: [...instructions, ...history.map(asSaid), ...added],
    ...(model !== undefined && { model }),
    ...(tools.length > 0 && { tools }),
  }
}

/** A kept message as the model gets it again. */
function asSaid({ id: _, turnId: __, createdAtMs: ___, provider: ____, model: _____, ...message }: SessionMessage) {
  const { finishReason: _f, usage: _u, ...said } = message
  return said as ChatMessage
}

/** The session's lease, renewed until it is given back. */
async function held(sessions: SessionStore, address: SessionAddress, turnId: string) {
  if (!(await sessions.lease(address, turnId, leaseMs))) throw new Fault('session_busy')
  const renewal = setInterval(() => void sessions.lease(address, turnId, leaseMs).catch(() => {}), leaseMs / 3)
  return {
    giveBack: async () => {
      clearInterval(renewal)
      await sessions.release(address, turnId).catch(() => {})
    },
  }
}

interface Running {
  id: string
  address: SessionAddress
  added: ChatMessage[]
  begun: Begun<AsyncIterable<Chunk>>
  lease: { giveBack(): Promise<void> }
  signal: AbortSignal
}

async function* steps(ports: SessionPorts, turn: Running): AsyncGenerator<TurnStep> {
  const { id, address, begun, lease, signal } = turn
  const { call, opened, provider, request, stop } = begun
  const seen: Sighting = { hasContent: false }
  const answer = new Assembly()
  try {
    yield {
      event: 'turn.started',
      data: { turnId: id, sessionId: address.id, provider: provider.id, model: request.model },
    }
    for await (const chunk of opened) {
      note(chunk, seen)
      answer.add(chunk)
      if (chunk.type === 'end') continue
      call.content()
      yield stepOf(chunk)
    }
    await call.succeed(seen)
    yield { event: 'turn.completed', data: await kept(ports, turn, { answer, seen }) }
  } catch (error) {
    if (signal.aborted) throw left(signal.reason)
    throw await call.fail(error, seen)
  } finally {
    stop()
    await call.abandon(ports.drain.lastCall.aborted ? 'draining' : 'client_left', seen)
    await lease.giveBack()
  }
}

function stepOf(chunk: Exclude<Chunk, { type: 'end' }>): TurnStep {
  switch (chunk.type) {
    case 'text':
      return { event: 'text.delta', data: { text: chunk.text } }
    case 'refusal':
      return { event: 'refusal.delta', data: { text: chunk.text } }
    case 'tool_call':
      return { event: 'tool_call.started', data: { index: chunk.index, id: chunk.id, name: chunk.name } }
    case 'tool_arguments':
      return { event: 'tool_call.delta', data: { index: chunk.index, text: chunk.text } }
  }
}

/** Keeps the turn's messages and answers what it came to. */
async function kept(
  { sessions, clock }: SessionPorts,
  { id: turnId, address, added, begun }: Running,
  { answer, seen }: { answer: Assembly; seen: Sighting },
): Promise<TurnAnswer> {
  const nowMs = clock.now()
  const finishReason = seen.finishReason ?? 'stop'
  const usage = seen.usage ?? { promptTokens: 0, completionTokens: 0, cachedTokens: 0 }
  const frame = () => ({ id: uuidv7(), turnId, createdAtMs: nowMs })
  const asked = added.map((message): SessionMessage => ({ ...message, ...frame() }))
  const message: SessionMessage = {
    ...answer.message(),
    ...frame(),
    provider: begun.provider.id,
    model: begun.request.model,
    finishReason,
    usage,
  }
  const outcome = await sessions.commit(address, { turnId, messages: [...asked, message], usage, nowMs })
  if (outcome === 'full') throw new Fault('session_full', { detail: 'The answer does not fit into the session.' })
  if (outcome === 'lost') throw new Fault('conflict', { detail: 'The session was deleted or taken over meanwhile.' })
  return { turnId, sessionId: address.id, message, finishReason, usage }
}
