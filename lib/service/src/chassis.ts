import type { Clock } from '@santaclaude/kit/clock'
import type { AnyElysia } from 'elysia'
import { authenticator } from './auth.ts'
import { jsonBytesMax, parseJson, readBody } from './body.ts'
import { doorOf, type Express } from './door.ts'
import { currentExchange, type House } from './exchange.ts'
import { Fault, type Problem } from './faults.ts'
import { type Host, quietHost } from './host.ts'
import type { Idempotency } from './idempotency.ts'
import { sealed } from './idempotency-sealed.ts'
import { KeyRates } from './key-rate.ts'
import { keyless } from './keyless.ts'
import type { Caller, Keys } from './keys.ts'
import { faultFrom, refusal } from './refusal.ts'
import { requestBook } from './request-book.ts'
import type { Tickets } from './tickets.ts'

export interface ChassisOptions {
  /** The app's name, as in its package.json without the scope. */
  name: string
  /** One sentence for the document and the page at `/`. */
  description?: string
  keys: Keys
  idempotency: Idempotency
  /** What `/ready` asks, by the name it reports: each resolves when that part can be used. */
  ready: Record<string, () => Promise<unknown>>
  /** Lent by `run`; tests go without. */
  host?: Host
  /** False when the app brings its own pages at `/` and `/swagger`. */
  pages?: boolean
  /** The error body for paths whose callers expect another dialect than RFC 9457; undefined = the problem itself. */
  dialect?: (path: string, problem: Problem) => unknown
  /** The app's own word on a caller whose key is good, before the body is read: throw a Fault to refuse. */
  admit?: (caller: Caller) => void | Promise<void>
  /**
   * A way past the router for the busiest route, taken once the key is known to be good. It must answer as the route
   * would, and say which route that is in `exchange.route`.
   */
  express?: Express
  /** Lets a WebSocket upgrade in by a ticket instead of a key; see `tickets.ts`. */
  tickets?: Tickets
  /** What the life of keys is measured by. */
  clock?: Clock
  /** The largest JSON body, in bytes; default 1 MiB. */
  bodyBytesMax?: number
}

/** Elysia hands a path part that is no UTF-8 on as null. */
const undecodable = { detail: 'The address holds a percent-encoding that is no UTF-8.' }

const jsonType = /^application\/([\w.-]+\+)?json$/i

/**
 * What every service has: the keyless routes, keys and scopes, request ids, traces, problems, metrics and logs. The
 * first `.use()` of an app, since hooks reach only routes that come after them.
 */
export const chassis =
  (options: ChassisOptions) =>
  <App extends AnyElysia>(app: App): App => {
    const { name, bodyBytesMax = jsonBytesMax } = options
    const host = options.host ?? quietHost(name)
    const house = houseOf(app, options, host)
    const auth = authenticator({
      keys: options.keys,
      pepper: host.pepper,
      ...(options.clock ? { clock: options.clock } : {}),
    })
    const door = doorOf({
      house,
      guards: {
        auth,
        rates: new KeyRates(options.clock),
        admit: options.admit,
        tickets: options.tickets,
        express: expressOf(app, options.express),
      },
    })
    const isRaw = rawRoutesOf(app)
    // By default Elysia drops unknown fields without a word; with this off, a closed object refuses them.
    app.config.normalize = false
    app
      .wrap(
        (fetch, request) => () => door(fetch as unknown as (request: Request) => Response | Promise<Response>, request),
      )
      .onTransform({ as: 'global' }, ({ route, params }) => {
        const exchange = currentExchange()
        if (exchange) exchange.route = route
        for (const name in params) if (params[name] === null) throw new Fault('malformed_request', undecodable)
      })
      .onParse({ as: 'global' }, async ({ request, contentType, route }) => {
        if (isRaw(request.method, route)) return unread
        const bytes = await readBody(request, { bytesMax: bodyBytesMax })
        if (bytes.byteLength === 0) return undefined
        if (!jsonType.test(contentType)) throw new Fault('unsupported_media_type')
        return parseJson(bytes)
      })
      .onError({ as: 'global' }, ({ code, error, route }) => {
        const exchange = currentExchange()
        if (!exchange) return new Response(null, { status: 500 })
        if (route) exchange.route = route
        return refusal(exchange, faultFrom(code, error, { app, exchange }))
      })
      .use(
        keyless(app, {
          name,
          version: host.version,
          ...(options.description === undefined ? {} : { description: options.description }),
          ready: options.ready,
          host,
          pages: options.pages ?? true,
        }),
      )
    return app
  }

/** The way past the router, with failures answered as the router's would be. */
const expressOf = (app: AnyElysia, express: Express | undefined): Express | undefined =>
  express &&
  ((request, exchange) => {
    const failed = (error: unknown) => refusal(exchange, faultFrom(undefined, error, { app, exchange }))
    try {
      return express(request, exchange)?.catch(failed)
    } catch (error) {
      return Promise.resolve(failed(error))
    }
  })

/** Stands in for the body of a route that reads it itself. */
const unread = Object.freeze({})

/**
 * Whether a route said `parse: 'none'`. Elysia heeds that only when no parse hook is there besides, and asks a global
 * hook such as ours first.
 */
function rawRoutesOf(app: AnyElysia): (method: string, route: string) => boolean {
  let raw: Set<string> | undefined
  return (method, route) => {
    raw ??= new Set(
      app.routes
        .filter(({ hooks }) => saysNone((hooks as { parse?: unknown }).parse))
        .map((one) => `${one.method} ${one.path}`),
    )
    return raw.size > 0 && (raw.has(`${method} ${route}`) || raw.has(`ALL ${route}`))
  }
}

const saysNone = (parse: unknown): boolean =>
  Array.isArray(parse)
    ? parse.some(saysNone)
    : parse === 'none' || (typeof parse === 'object' && parse !== null && 'fn' in parse && parse.fn === 'none')

function houseOf(app: AnyElysia, { dialect, idempotency, name }: ChassisOptions, host: Host): House {
  const book = requestBook(host, name)
  return {
    drain: host.drain,
    idempotency: sealed(idempotency, host.pepper),
    ip: (request) => app.server?.requestIP(request)?.address,
    upgrade: (request, data, headers) => {
      const server = app.server as { upgrade?(request: Request, options: unknown): boolean } | null
      return server?.upgrade?.(request, { data, headers }) ?? false
    },
    finish: (exchange, status) => {
      book(exchange, status)
      host.drain.leave()
    },
    dialect: (exchange, problem) => {
      const own = dialect?.(exchange.path, problem)
      return own === undefined
        ? { contentType: 'application/problem+json', body: problem }
        : { contentType: 'application/json', body: own }
    },
  }
}
