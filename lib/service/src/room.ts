import { Elysia } from 'elysia'
import { currentExchange, type Exchange, type Who, whoOf } from './exchange.ts'
import { Fault } from './faults.ts'
import type { Caller, Scope } from './keys.ts'
import { claimIdempotency } from './replay.ts'

/** The exchange, for code that only runs inside one. */
export function exchangeNow(): Exchange {
  const exchange = currentExchange()
  if (!exchange) throw new Error('no exchange: the app was built without chassis() as its first plugin')
  return exchange
}

/** `any` asks for a key and for no scope: for routes that hand the request on to somebody who judges the key himself. */
type Wanted = Scope | 'any'

function admit(scope: Wanted): Caller {
  const { caller } = exchangeNow()
  if (!caller) throw new Fault('unauthenticated')
  if (scope !== 'any' && !caller.scopes.has(scope))
    throw new Fault('forbidden', { detail: `This needs a key with the scope ${scope}.` })
  return caller
}

/** Lets in only keys with this scope. Whose key it is, and who acts. */
export function entry(scope: Wanted): { caller: Caller; who: Who } {
  const caller = admit(scope)
  return { caller, who: whoOf(exchangeNow(), caller) }
}

/** What every room's routes may ask for. A route under /v1 without `scope` fails the contract suite. */
const gate = new Elysia({ name: 'gate' }).macro({
  /** Lets in only keys with this scope, before the body is judged, and hands the handler `caller` and `who`. */
  scope: (scope: Wanted) => ({
    detail: { security: [{ key: [scope] }] },
    transform: () => {
      admit(scope)
    },
    resolve: () => entry(scope),
  }),
  /** Answers a repeated Idempotency-Key with the first answer; see `replay.ts`. */
  idempotent: (isOn: boolean) => (isOn ? { beforeHandle: ({ body }) => claimIdempotency(exchangeNow(), body) } : {}),
})

/** One room: the routes of one noun under one prefix. The prefix names it, so it is registered once. */
export const room = <const Prefix extends string>(prefix: Prefix) => new Elysia({ name: prefix, prefix }).use(gate)
