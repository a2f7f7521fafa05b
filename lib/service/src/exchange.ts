import { AsyncLocalStorage } from 'node:async_hooks'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Drain } from './drain.ts'
import type { Problem } from './faults.ts'
import type { Idempotency } from './idempotency.ts'
import type { RateLeft } from './key-rate.ts'
import type { Caller } from './keys.ts'
import { type Trace, traceOf, traceparentOf } from './trace.ts'

/** Everything the house knows about one request while it is being answered. */
export interface Exchange {
  readonly request: Request
  readonly requestId: string
  readonly trace: Trace
  readonly startedMs: number
  /** The path as the client wrote it, without the query. */
  readonly path: string
  readonly house: House
  /** The route template that matched, for labels and logs. */
  route?: string
  caller?: Caller
  /** What is left of the key's own limit; absent when it has none. */
  rate?: RateLeft | undefined
  /** Set by a stream: the request is logged and counted when the stream ends, not when it starts. */
  streaming?: boolean
  /** What went wrong, for the log. */
  fault?: unknown
  /** The Idempotency-Key this request holds. */
  claimed?: { key: string; fingerprint: string }
}

/** What the chassis lends to every request of one app. */
export interface House {
  readonly drain: Drain
  readonly idempotency: Idempotency
  /** The client's address, when the server knows it. */
  ip(request: Request): string | undefined
  /** Turns a request into a WebSocket, answering it; false when there is no server or it is no upgrade. */
  upgrade(request: Request, data: unknown, headers: Record<string, string>): boolean
  /** Counts and logs the request; called once, when the last byte is out. */
  finish(exchange: Exchange, status: number): void
  /** The error body for a path: a problem, or the dialect the callers of that path expect. */
  dialect(exchange: Exchange, problem: Problem): { contentType: string; body: unknown }
}

const store = new AsyncLocalStorage<Exchange>()

/** Runs work inside an exchange. */
export const during = <T>(exchange: Exchange, work: () => T): T => store.run(exchange, work)

/** The exchange this code runs in, or nothing outside a request. */
export const currentExchange = (): Exchange | undefined => store.getStore()

const safeId = /^[A-Za-z0-9._:-]{1,128}$/

export function openExchange(request: Request, path: string, house: House): Exchange {
  const given = request.headers.get('x-request-id')
  return {
    request,
    path,
    house,
    requestId: given !== null && safeId.test(given) ? given : uuidv7(),
    trace: traceOf(request.headers.get('traceparent')),
    startedMs: performance.now(),
  }
}

/** Who acts in this exchange, in the shape the audit record and the events want. */
export interface Who {
  tenant: string
  actor: { type: 'key'; id: string; name: string }
  requestId: string
  traceId: string
  traceparent: string
  ip?: string
  userAgent?: string
}

export function whoOf(exchange: Exchange, caller: Caller): Who {
  const ip = exchange.house.ip(exchange.request)
  const userAgent = exchange.request.headers.get('user-agent')
  return {
    tenant: caller.tenant,
    actor: { type: 'key', id: caller.keyId, name: caller.name },
    requestId: exchange.requestId,
    traceId: exchange.trace.traceId,
    traceparent: traceparentOf(exchange.trace),
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === null ? {} : { userAgent: userAgent.slice(0, 512) }),
  }
}
