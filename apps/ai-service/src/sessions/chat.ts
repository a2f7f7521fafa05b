import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { LiveTurns } from './live.ts'
import type { SessionAddress, TurnEvent } from './store/port.ts'
import { beginTurn, foundSession, type SessionPorts, type TurnAnswer, type TurnInput } from './turn.ts'

export interface TurnPorts extends SessionPorts {
  live: LiveTurns
}

interface TurnAsk {
  who: Who
  sessionId: string
  input: TurnInput
}

/** One turn, answered whole. A client that leaves ends it, and the session stays as it was. */
export async function chatInSession(ports: TurnPorts, ask: TurnAsk & { signal: AbortSignal }): Promise<TurnAnswer> {
  const turn = await beginTurn(ports, ask)
  for await (const { event, data } of turn.steps) if (event === 'turn.completed') return data
  throw new Fault('internal', { cause: new Error('a turn ended without its last step') })
}

/** A place in a turn's events, as the id of a server-sent event writes it: `<turn>.<seq>`. */
export interface TurnPlace {
  turnId: string
  seq: number
}

/** Begins a turn that runs on whether or not anybody listens. */
export async function startTurn(ports: TurnPorts, ask: TurnAsk): Promise<TurnPlace> {
  const turn = await beginTurn(ports, { ...ask, signal: ports.live.signal })
  ports.live.start(turn)
  return { turnId: turn.id, seq: 0 }
}

/** The place a `Last-Event-ID` names; without one, the start of the turn in progress. Faults: bad_cursor, not_found. */
export async function placeOf(
  ports: TurnPorts,
  address: SessionAddress,
  lastEventId: string | null,
): Promise<TurnPlace> {
  await foundSession(ports.sessions, address)
  if (lastEventId === null) {
    const turnId = await ports.sessions.holder(address)
    if (turnId === undefined) throw new Fault('not_found', { detail: 'The session has no turn in progress.' })
    return { turnId, seq: 0 }
  }
  const match = /^([0-9a-f-]{36})\.(\d{1,9})$/.exec(lastEventId)
  if (!match?.[1]) throw new Fault('bad_cursor', { detail: 'Last-Event-ID is not one of this stream’s ids.' })
  return { turnId: match[1], seq: Number(match[2]) }
}

/** The events from a place on, each with the id to resume after. */
export async function* eventsFrom(
  { live }: TurnPorts,
  address: SessionAddress,
  { turnId, seq }: TurnPlace,
  signal: AbortSignal,
): AsyncGenerator<{ id: string; event: string; data: unknown }> {
  for await (const event of live.read(address, turnId, seq, signal)) yield asSse(turnId, event)
}

const asSse = (turnId: string, { seq, event, data }: TurnEvent) => ({ id: `${turnId}.${seq}`, event, data })
