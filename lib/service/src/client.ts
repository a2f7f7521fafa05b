import { readSse, type SseMessage } from '@santaclaude/kit/sse'
import { currentExchange } from './exchange.ts'
import { Fault, type Problem } from './faults.ts'
import { traceparentOf } from './trace.ts'

/** An answer of a peer that was not a success, with its problem when it sent one. */
export class PeerError extends Error {
  constructor(
    readonly peer: string,
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(`${peer} answered ${status} ${problem.code ?? ''}: ${problem.detail ?? ''}`)
    this.name = 'PeerError'
  }
}

export interface CallOptions {
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  deadlineMs?: number
}

/** A client of one of our services. Answers are the caller's to type, from the peer's contract. */
export interface Client {
  /** Sends JSON, answers parsed JSON. Faults: PeerError for an answer that is no success, Fault `peer_unavailable` when there is none. */
  call<T>(method: string, path: string, options?: CallOptions): Promise<T>
  /** Sends the request and hands back the answer as it is. */
  raw(method: string, path: string, options?: CallOptions): Promise<Response>
  /** Reads server-sent events until the stream ends. */
  events(method: string, path: string, options?: CallOptions): AsyncGenerator<SseMessage>
}

/** `key` and the tenant of the present exchange go along, as do its request id and trace. */
export function client({
  baseUrl,
  key,
  deadlineMs = 30_000,
}: {
  baseUrl: string
  key?: string
  deadlineMs?: number
}): Client {
  async function raw(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const deadline = AbortSignal.timeout(options.deadlineMs ?? deadlineMs)
    const exchange = currentExchange()
    try {
      return await fetch(new URL(path, baseUrl), {
        method,
        headers: {
          accept: 'application/json, text/event-stream',
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(exchange ? { 'x-request-id': exchange.requestId, traceparent: traceparentOf(exchange.trace) } : {}),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        signal: options.signal ? AbortSignal.any([options.signal, deadline]) : deadline,
      })
    } catch (cause) {
      if (options.signal?.aborted) throw cause
      throw new Fault('peer_unavailable', { detail: `No answer from ${new URL(baseUrl).host}.`, cause })
    }
  }

  async function success(method: string, path: string, options?: CallOptions): Promise<Response> {
    const response = await raw(method, path, options)
    if (response.ok) return response
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
    throw new PeerError(new URL(baseUrl).host, response.status, problem)
  }

  return {
    raw,
    async call<T>(method: string, path: string, options?: CallOptions) {
      const response = await success(method, path, options)
      return (response.status === 204 ? undefined : await response.json()) as T
    },
    async *events(method, path, options) {
      const response = await success(method, path, { deadlineMs: 86_400_000, ...options })
      if (response.body) yield* readSse(response.body)
    },
  }
}
