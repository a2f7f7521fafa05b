import { encodeSse } from '@santaclaude/kit/sse'
import { Fault } from '@santaclaude/service/faults'
import type { Peer } from './peer.ts'

/** What the caller's headers may bring to a peer. Cookies, origins and forwarding claims never do. */
const requestHeaders = [
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'openai-beta',
  'x-api-key',
  'x-sc-tenant',
]

/** What a peer's answer may bring to the caller. */
const answerHeaders = [
  'allow',
  'content-type',
  'etag',
  'idempotency-replayed',
  'location',
  'retry-after',
  'www-authenticate',
]

/**
 * A peer's answer is shown on our own origin, so no browser may run or frame it there, whatever type it claims to be:
 * a stored page must not become a script of the front door.
 */
const sealed = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

export interface Forwarded {
  method: string
  headers: Headers
  /** Path and query at the peer: below `/v1/`, or one of the keyless routes. */
  path: string
  body: Uint8Array
  /** Headers of this request's own, such as its id and trace. */
  own: Record<string, string>
  /** Aborts when the caller has gone. */
  signal: AbortSignal
}

export interface ForwardLimits {
  /** How long the peer may take until its answer begins. */
  answerMs: number
  /** How long the answer's body may go on. A live event stream is ended in words at this point. */
  bodyMs: number
  bytesMax: number
}

/**
 * Hands one request to a peer with the caller's own key, and the answer back, both bounded. It adds no right: the peer
 * judges the key as if it had been called directly.
 * Faults: not_found (the path leads elsewhere), peer_unavailable, deadline_exceeded.
 */
export async function forward(peer: Peer, request: Forwarded, limits: ForwardLimits): Promise<Response> {
  const target = targetOf(peer, request.path)
  const stop = new AbortController()
  const answerTimer = setTimeout(() => stop.abort(new Fault('deadline_exceeded')), limits.answerMs)
  const response = await fetch(target, {
    method: request.method,
    headers: { ...picked(request.headers, requestHeaders), ...request.own },
    redirect: 'manual',
    signal: AbortSignal.any([stop.signal, request.signal]),
    ...(request.body.byteLength > 0 ? { body: request.body as Uint8Array<ArrayBuffer> } : {}),
  })
    .catch((cause) => {
      throw cause instanceof Fault
        ? cause
        : new Fault('peer_unavailable', { detail: `${peer.name} did not answer.`, cause })
    })
    .finally(() => clearTimeout(answerTimer))
  if (response.status >= 300 && response.status < 400 && response.status !== 304) {
    stop.abort()
    throw new Fault('peer_unavailable', { detail: `${peer.name} answered with a redirect, which is not followed.` })
  }
  const headers = { ...picked(response.headers, answerHeaders), ...sealed }
  if (!response.body) return new Response(null, { status: response.status, headers })
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  return new Response(bounded(response.body, { stop, limits, isEvents }), { status: response.status, headers })
}

/** What a document shows besides `/v1/`. */
const keyless = new Set(['/health', '/ready', '/metrics'])

const unsafePath = /%2f|%5c|%2e|%00|\\|\/\/|\/\.\.?(\/|$)/i

/** The address at the peer. The path is checked as text and again after parsing, so neither form can climb out. */
function targetOf(peer: Peer, path: string): URL {
  const [pathname = ''] = path.split('?', 1)
  const target = new URL(peer.url + path)
  const isInside =
    target.origin === new URL(peer.url).origin && (target.pathname.startsWith('/v1/') || keyless.has(pathname))
  if (!isInside || unsafePath.test(pathname)) throw new Fault('not_found')
  return target
}

function picked(headers: Headers, names: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) kept[name] = value
  }
  return kept
}

interface Bounds {
  stop: AbortController
  limits: ForwardLimits
  isEvents: boolean
}

/** The body until a bound is met. A cut answer ends in an error, never as if it were whole; an event stream is told why. */
function bounded(body: ReadableStream<Uint8Array>, { stop, limits, isEvents }: Bounds): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let bytes = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limits.bodyMs)
  })
  const leave = () => {
    clearTimeout(timer)
    stop.abort()
    reader.cancel().catch(() => {})
  }
  return new ReadableStream({
    async pull(controller) {
      const cut = (why: string) => {
        if (isEvents) {
          controller.enqueue(new TextEncoder().encode(encodeSse({ event: 'end', data: { reason: why } })))
          controller.close()
        } else controller.error(new Error(`the peer's answer was cut: ${why}`))
        leave()
      }
      try {
        const next = await Promise.race([reader.read(), late])
        if (next === 'late') return cut('preview_over')
        if (next.done) {
          clearTimeout(timer)
          return controller.close()
        }
        bytes += next.value.byteLength
        if (bytes > limits.bytesMax) return cut('too_long')
        controller.enqueue(next.value)
      } catch (cause) {
        clearTimeout(timer)
        controller.error(cause)
      }
    },
    cancel: leave,
  })
}
