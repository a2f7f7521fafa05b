import type { Authenticator } from './auth.ts'
import { during, type Exchange, type House, openExchange } from './exchange.ts'
import { Fault } from './faults.ts'
import { refusal, storeFault } from './refusal.ts'
import { settleIdempotency } from './replay.ts'

type Fetch = (request: Request) => Response | Promise<Response>

/**
 * What every request passes first and last, whatever route it meets: an exchange is opened, a key is asked for under
 * /v1 before a byte of the body is read, and the answer gets its request id and is counted.
 *
 * The path is taken from the URL itself. Elysia looks for it from the eleventh character on, so with a short Host it
 * would see another path than the one that was judged here; such a request is handed on under a longer name.
 */
export function doorOf({ house, auth }: { house: House; auth: Authenticator }) {
  return (fetch: Fetch, request: Request): Promise<Response> => {
    const { url } = request
    const start = url.indexOf('/', 8)
    const query = url.indexOf('?', start)
    const path = url.slice(start, query < 0 ? undefined : query)
    const exchange = openExchange(request, path, house)
    const inner = start === url.indexOf('/', 11) ? request : new Request(`http://localhost${url.slice(start)}`, request)
    house.drain.enter()
    return during(exchange, () => answer({ fetch, request: inner, exchange, auth }))
  }
}

async function answer({
  fetch,
  request,
  exchange,
  auth,
}: {
  fetch: Fetch
  request: Request
  exchange: Exchange
  auth: Authenticator
}): Promise<Response> {
  let response: Response
  try {
    if (headerLength(request.headers) > headersMax) throw new Fault('headers_too_large')
    if (needsKey(exchange.path)) {
      const caller = auth.verify(request.headers)
      exchange.caller = caller instanceof Promise ? await caller : caller
    }
    response = await fetch(request)
    if (exchange.claimed) response = await settleIdempotency(exchange, response)
  } catch (error) {
    response = refusal(
      exchange,
      error instanceof Fault ? error : (storeFault(error) ?? new Fault('internal', { cause: error })),
    )
  }
  const named = withHeader(response, 'x-request-id', exchange.requestId)
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
