import { uuidv7 } from '@santaclaude/kit/ids'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { Tool } from '../chat/schemas.ts'
import { faultOf } from '../providers/fault-of.ts'
import { type SessionShown, shown } from './show.ts'
import type { SessionPorts } from './turn.ts'

export interface SessionWish {
  title?: string
  model?: string
  instructions?: string
  tools?: Tool[]
  metadata?: Record<string, string>
}

/** Creates a session. Faults: model_not_found, quota_exceeded, audit_unavailable. */
export async function createSession(ports: SessionPorts, who: Who, wish: SessionWish): Promise<SessionShown> {
  if (wish.model !== undefined) await ports.catalogue.find(wish.model, AbortSignal.timeout(5_000))
  const createdAtMs = ports.clock.now()
  const session = {
    tenant: who.tenant,
    id: uuidv7(createdAtMs),
    title: wish.title ?? null,
    model: wish.model ?? null,
    instructions: wish.instructions ?? null,
    tools: wish.tools ?? [],
    metadata: wish.metadata ?? {},
    createdAtMs,
  }
  await recordSession(ports, who, { action: 'ai.session.created', id: session.id })
  if (!(await ports.sessions.create(session))) {
    throw new Fault('quota_exceeded', { detail: `A tenant may have ${ports.sessionLimits.sessionsMax} sessions.` })
  }
  await tellSession(ports, who, { type: 'ai.session.created', sessionId: session.id, title: session.title })
  const counts = { updatedAtMs: createdAtMs, messages: 0, bytes: 0, promptTokens: 0, completionTokens: 0 }
  return shown({ ...session, ...counts })
}

/** Writes down what is about to be done to a session. Faults: audit_unavailable. */
export async function recordSession(
  { audit }: SessionPorts,
  who: Who,
  { action, id }: { action: 'ai.session.created' | 'ai.session.deleted'; id: string },
): Promise<void> {
  const { traceparent: _, ...actor } = who
  try {
    await audit.record({ ...actor, action, outcome: 'success', target: { type: 'session', id }, sessionId: id })
  } catch (error) {
    throw faultOf(error)
  }
}

/** Tells the tenant's topic. An event nobody hears undoes nothing. */
export async function tellSession(
  { emit, metrics, log }: SessionPorts,
  { tenant, traceparent }: Who,
  {
    type,
    sessionId,
    title,
  }: { type: 'ai.session.created' | 'ai.session.deleted'; sessionId: string; title: string | null },
): Promise<void> {
  const data = { sessionId, title }
  try {
    await emit({ tenant, topic: 'ai', type, subject: sessionId, traceparent, partitionkey: sessionId, data })
  } catch (error) {
    metrics.eventMisses.inc()
    log.warn('event not emitted', { type, sessionId, error })
  }
}
