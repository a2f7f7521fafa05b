import type { Session, SessionAddress, SessionMessage, SessionStore, StoreLimits, TurnEvent } from './port.ts'

interface Kept {
  session: Session
  messages: SessionMessage[]
  turns: Map<string, TurnEvent[]>
  holder?: { turnId: string; untilMs: number }
  usedAtMs: number
}

/** Sessions in a map; for tests. */
export function sessionsInMemory(limits: StoreLimits, now: () => number = Date.now): SessionStore {
  const kept = new Map<string, Kept>()
  const keyOf = ({ tenant, id }: SessionAddress) => JSON.stringify([tenant, id])
  const get = (address: SessionAddress): Kept | undefined => {
    const found = kept.get(keyOf(address))
    if (found && now() - found.usedAtMs < limits.ttlSeconds * 1000) return found
    kept.delete(keyOf(address))
    return undefined
  }
  const ofTenant = (tenant: string) =>
    [...kept.values()].map(({ session }) => session).filter((one) => one.tenant === tenant && get(one))
  const holderOf = (found: Kept | undefined) =>
    found?.holder && found.holder.untilMs > now() ? found.holder.turnId : undefined

  return {
    create: async (session) => {
      if (ofTenant(session.tenant).length >= limits.sessionsMax) return false
      const counts = { updatedAtMs: session.createdAtMs, messages: 0, bytes: 0, promptTokens: 0, completionTokens: 0 }
      const copy = structuredClone({ ...session, ...counts })
      kept.set(keyOf(session), { session: copy, messages: [], turns: new Map(), usedAtMs: now() })
      return true
    },
    find: async (address) => structuredClone(get(address)?.session),
    list: async (tenant, { limit, before }) =>
      structuredClone(
        ofTenant(tenant)
          .filter(({ id }) => before === undefined || id < before)
          .sort((a, b) => (a.id < b.id ? 1 : -1))
          .slice(0, limit),
      ),
    messages: async (address, { limit, after }) =>
      structuredClone(get(address)?.messages.slice(after, after + limit) ?? []),
    delete: async (address) => get(address) !== undefined && kept.delete(keyOf(address)),

    lease: async (address, turnId, leaseMs) => {
      const found = get(address)
      if (!found || (holderOf(found) ?? turnId) !== turnId) return false
      found.holder = { turnId, untilMs: now() + leaseMs }
      return true
    },
    release: async (address, turnId) => {
      const found = get(address)
      if (found?.holder?.turnId === turnId) delete found.holder
    },
    holder: async (address) => holderOf(get(address)),
    commit: async (address, { turnId, messages, usage, nowMs }) => {
      const found = get(address)
      if (!found || holderOf(found) !== turnId) return 'lost'
      const { session } = found
      const bytes = messages.reduce((sum, message) => sum + bytesOf(message), 0)
      const isFull = session.messages + messages.length > limits.messagesMax || session.bytes + bytes > limits.bytesMax
      if (isFull) return 'full'
      found.messages.push(...structuredClone(messages))
      found.usedAtMs = now()
      session.messages += messages.length
      session.bytes += bytes
      session.promptTokens += usage.promptTokens
      session.completionTokens += usage.completionTokens
      session.updatedAtMs = nowMs
      return 'done'
    },

    addEvents: async (address, turnId, events) => {
      const turns = get(address)?.turns
      turns?.set(turnId, [...(turns.get(turnId) ?? []), ...structuredClone(events)])
    },
    events: async (address, turnId, after) =>
      structuredClone((get(address)?.turns.get(turnId) ?? []).filter(({ seq }) => seq > after)),
  }
}

const bytesOf = (message: SessionMessage) => new TextEncoder().encode(JSON.stringify(message)).byteLength
