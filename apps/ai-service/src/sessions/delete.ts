import type { Who } from '@santaclaude/service/exchange'
import { recordSession, tellSession } from './create.ts'
import { foundSession, type SessionPorts } from './turn.ts'

/** Deletes a session with its messages; a turn in progress can no longer keep its answer. Faults: session_not_found. */
export async function deleteSession(ports: SessionPorts, who: Who, id: string): Promise<void> {
  const address = { tenant: who.tenant, id }
  const { title } = await foundSession(ports.sessions, address)
  await recordSession(ports, who, { action: 'ai.session.deleted', id })
  await ports.sessions.delete(address)
  await tellSession(ports, who, { type: 'ai.session.deleted', sessionId: id, title })
}
