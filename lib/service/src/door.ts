import type { Authenticator } from './auth.ts'
import { during, type Exchange, type House, openExchange } from './exchange.ts'
import { Fault } from './faults.ts'
import { type KeyRates, rateHeaders } from './key-rate.ts'
import type { Caller } from './keys.ts'
import { refusal, storeFault } from './refusal.ts'
import { settleIdempotency } from './replay.ts'
import { redeemTicket, type Tickets, ticketIn } from './tickets.ts'

type Fetch = (request: Request) => Response | Promise<Response>

/** Who is let in. `admit` is the app's own word on a caller, after the key and before the body. */
export interface Guards {
  auth: Authenticator
  rates: KeyRates
  admit?: ((caller: Caller) => void | Promise<void>) | undefined
  tickets?: Tickets | undefined
  express?: Express | undefined
}

/** A way past the router for a busy route; undefined = this request takes the router. */
export type Express = (request: Request, exchange: Exchange) => Promise<Response> | undefined

/**
 * What every request passes first and last, whatever route it meets: an exchange is opened, a key is asked for under
 * /v1 before a byte of the body is read, and the answer gets its request id and is counted.
 *
 * The path is taken from the URL itself. Elysia looks for it from the eleventh character on, so with a short Host it
 * would see another path than the one that was judged here; such a request is handed on under a longer name.
 */
export function doorOf({ house, guards }: { house: House; guards: Guards }) {
  return (fetch: Fetch, request: Request): Promise<Response> => {
    const { url } = request
    const start = url.indexOf('/', 8)
    const query = url.indexOf('?', start)
    const path = url.slice(start, query < 0 ? undefined : query)
    const exchange = openExchange(request, path, house)
    const inner = start === url.indexOf('/', 11) ? request : new Request(`http://localhost${url.slice(start)}`, request)
    house.drain.enter()
    return during(exchange, () => answer({ fetch, request: inner, exchange, guards }))
  }
}

async function answer({
  fetch,
  request,
  exchange,
  guards,
}: {
  fetch: Fetch
  request: Request
  exchange: Exchange
  guards: Guards
}): Promise<Response> {
  let response: Response
  try {
    if (headerLength(request.headers) > headersMax) throw new Fault('headers_too_large')
    if (needsKey(exchange.path)) {
      const ticket = guards.tickets && ticketIn(request)
      const verified = ticket ? redeemTicket(guards.tickets as Tickets, ticket) : guards.auth.verify(request.headers)
      const caller = verified instanceof Promise ? await verified : verified
      exchange.caller = caller
      exchange.rate = guards.rates.spend(caller)
      const admitted = guards.admit?.(caller)
      if (admitted) await admitted
    }
    response = await (guards.express?.(request, exchange) ?? fetch(request))
    if (exchange.claimed) response = await settleIdempotency(exchange, response)
  } catch (error) {
    response = refusal(
      exchange,
      error instanceof Fault ? error : (storeFault(error) ?? new Fault('internal', { cause: error })),
    )
  }
  let named = withHeader(response, 'x-request-id', exchange.requestId)
  if (exchange.rate)
    for (const [name, value] of Object.entries(rateHeaders(exchange.rate))) named = withHeader(named, name, value)
  if (!exchange.streaming) exchange.house.finish(exchange, named.status)
  return named
}

const headersMax = 32_768

function headerLength(headers: Headers): number {
  let length = 0
  headers.forEach((value, name) => {
    length += name.length + value.length + 4
  })
  return length
}

/** Everything is behind a key but what lies outside /v1; each room's routes ask for a scope besides. */
const needsKey = (path: string) => path.startsWith('/v1/') || path === '/v1'

function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value)
    return response
  } catch {
    // Answers that came from fetch() have headers that cannot be changed.
    const copy = new Response(response.body, response)
    copy.headers.set(name, value)
    return copy
  }
}
