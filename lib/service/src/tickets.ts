import { createHash } from 'node:crypto'
import { base62Random } from '@santaclaude/kit/ids'
import { Fault } from './faults.ts'
import type { Caller, Scope } from './keys.ts'

/** How long a ticket waits to be used. */
export const ticketMs = 30_000

/** Where tickets are kept. Each adapter passes `tickets-conformance.ts`; both reject with the Fault `store_unavailable`. */
export interface Tickets {
  /** Keeps a text under a name for a while. */
  keep(name: string, text: string, forMs: number): Promise<void>
  /** The text, once: whoever asks again gets nothing. */
  take(name: string): Promise<string | undefined>
}

/**
 * A text that opens one WebSocket in the caller's name, for browsers: they cannot send headers with one. It works once,
 * for 30 s, and is kept only as its hash. Sent as `?ticket=` of the upgrade request.
 */
export async function issueTicket(tickets: Tickets, caller: Caller): Promise<{ ticket: string; expiresAtMs: number }> {
  const ticket = base62Random(32)
  const { scopes, ...rest } = caller
  await tickets.keep(nameOf(ticket), JSON.stringify({ ...rest, scopes: [...scopes] }), ticketMs)
  return { ticket, expiresAtMs: Date.now() + ticketMs }
}

/** The ticket in an upgrade request that carries no key. */
export function ticketIn({ url, headers }: Request): string | undefined {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return undefined
  if (headers.has('authorization') || headers.has('x-api-key')) return undefined
  return new URL(url).searchParams.get('ticket') ?? undefined
}

/** Who a ticket speaks for; Fault `unauthenticated` when it was used, is too old, or never was. */
export async function redeemTicket(tickets: Tickets, ticket: string): Promise<Caller> {
  const text = /^[0-9A-Za-z]{32}$/.test(ticket) ? await tickets.take(nameOf(ticket)) : undefined
  if (text === undefined) throw new Fault('unauthenticated', { detail: 'The ticket is not good, or no longer.' })
  const caller = JSON.parse(text) as Omit<Caller, 'scopes'> & { scopes: Scope[] }
  return { ...caller, scopes: new Set(caller.scopes) }
}

const nameOf = (ticket: string) => createHash('sha256').update(ticket).digest('hex')
