import type { Session, SessionMessage, SessionStore } from './store/port.ts'
import { foundSession } from './turn.ts'

/** A session without its tenant, which is the caller's own. */
export type SessionShown = Omit<Session, 'tenant'>

export const shown = ({ tenant: _, ...session }: Session): SessionShown => session

/** A page of a tenant's sessions, newest first; `nextBefore` asks for the next one, null = no more. */
export async function listSessions(
  sessions: SessionStore,
  tenant: string,
  { limit = 50, before }: { limit?: number | undefined; before?: string | undefined },
): Promise<{ sessions: SessionShown[]; nextBefore: string | null }> {
  const found = await sessions.list(tenant, { limit, before })
  return { sessions: found.map(shown), nextBefore: found.length < limit ? null : (found.at(-1)?.id ?? null) }
}

/** A session with a page of its messages; `nextAfter` asks for the next one, null = no more. Faults: session_not_found. */
export async function getSession(
  sessions: SessionStore,
  address: { tenant: string; id: string },
  { limit = 200, after = 0 }: { limit?: number | undefined; after?: number | undefined },
): Promise<{ session: SessionShown; messages: SessionMessage[]; nextAfter: number | null }> {
  const session = await foundSession(sessions, address)
  const messages = await sessions.messages(address, { limit, after })
  const next = after + messages.length
  return { session: shown(session), messages, nextAfter: next < session.messages ? next : null }
}
