import { within } from '@santaclaude/kit/deadline'
import { encodeSse, encodeSseComment, type SseEvent } from '@santaclaude/kit/sse'
import type { Exchange } from './exchange.ts'
import { Fault, problemOf } from './faults.ts'
import { exchangeNow } from './room.ts'

export interface StreamOptions {
  /** How often a comment is sent while nothing else is, in milliseconds. */
  heartbeatMs?: number
  /** The last event of a stream that came to its end; undefined when `produce` has said it already. */
  end?: (reason: 'finished' | 'draining', exchange: Exchange) => SseEvent | undefined
  /** The last event of a stream that failed. */
  failed?: (fault: Fault, exchange: Exchange) => SseEvent
  headers?: Record<string, string>
  /**
   * What becomes of a reader that takes nothing for `afterMs`: this is its last event, however late it reads it, and the
   * stream is over. Without it such a reader holds what fits its pipe until its connection ends.
   */
  stalled?: { afterMs: number; event: () => SseEvent }
  /** The stream comes to an end by itself, soon: a stop lets it, for as long as requests in flight get to finish. */
  endsItself?: boolean
}

/** How long a source may take to end. */
const returnMs = 2_000
const encoder = new TextEncoder()
const comment = encoder.encode(encodeSseComment('keep-alive'))
const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * Answers with server-sent events. `produce` gets a signal that aborts when the client goes or the service drains, and
 * is only asked for the next event when the last one was taken. Bytes go out as they are: whole events somebody else
 * encoded. A stream always ends with an `end` or an `error` event,
 * so a reader can tell a cut stream from a complete one.
 */
export function eventStream(
  produce: (signal: AbortSignal) => AsyncIterable<SseEvent | Uint8Array>,
  {
    heartbeatMs = 15_000,
    end = (reason) => ({ event: 'end', data: { reason } }),
    failed = (fault, { requestId }) => ({ event: 'error', data: problemOf(fault, requestId) }),
    headers: extra = {},
    endsItself = false,
    stalled,
  }: StreamOptions = {},
): Response {
  const exchange = exchangeNow()
  const { drain } = exchange.house
  exchange.streaming = true
  const stop = new AbortController()
  const leaveNow = endsItself ? drain.lastCall : drain.streamsEnd
  const signal = AbortSignal.any([stop.signal, leaveNow])
  const source = produce(signal)[Symbol.asyncIterator]()
  let heartbeat: ReturnType<typeof setInterval> | undefined
  let stall: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  const finish = (fault?: unknown) => {
    if (isOver) return
    isOver = true
    clearInterval(heartbeat)
    clearTimeout(stall)
    if (fault !== undefined) exchange.fault = fault
    stop.abort()
    // What the source holds it gives back before the service may think that this stream is over.
    within(returnMs, 'ending a stream', Promise.resolve(source.return?.(undefined)))
      .catch(() => {})
      .finally(() => exchange.house.finish(exchange, fault === undefined ? 200 : 500))
  }
  // One slot rather than a promise to race against: racing a promise that stays open would gather a listener per event.
  let leave: ((how: 'draining') => void) | undefined
  leaveNow.addEventListener('abort', () => leave?.('draining'), { once: true, signal: stop.signal })
  const nextOrDraining = () =>
    new Promise<IteratorResult<SseEvent | Uint8Array> | 'draining'>((resolve, reject) => {
      if (leaveNow.aborted) return resolve('draining')
      leave = resolve
      source.next().then(resolve, reject)
    })

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if (!isOver && (controller.desiredSize ?? 0) > 0) controller.enqueue(comment)
      }, heartbeatMs)
    },
    async pull(controller) {
      clearTimeout(stall)
      const close = (event: SseEvent | undefined, fault?: unknown) => {
        if (isOver) return
        if (event) controller.enqueue(encoder.encode(encodeSse(event)))
        controller.close()
        finish(fault)
      }
      try {
        const next = await nextOrDraining()
        if (isOver) return
        if (next === 'draining') close(end('draining', exchange))
        else if (next.done) close(end(leaveNow.aborted ? 'draining' : 'finished', exchange))
        else {
          controller.enqueue(next.value instanceof Uint8Array ? next.value : encoder.encode(encodeSse(next.value)))
          if (stalled) stall = setTimeout(() => close(stalled.event()), stalled.afterMs)
        }
      } catch (cause) {
        close(failed(cause instanceof Fault ? cause : new Fault('internal', { cause }), exchange), cause)
      }
    },
    cancel() {
      finish()
    },
  })
  exchange.request.signal.addEventListener('abort', () => finish(), { once: true })
  return new Response(body, { headers: { ...headers, ...extra } })
}
