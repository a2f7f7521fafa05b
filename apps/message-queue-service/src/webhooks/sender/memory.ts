import { type Outgoing, responseCharsMax, type Sender, type Sent } from './port.ts'

/** What an endpoint in memory does with a request; it may take its time, or end without an answer. */
export type Endpoint = (outgoing: Outgoing) => Promise<Result> | Result
type Result =
  | { status: number; retryAfter?: string; text?: string }
  | { failure: Exclude<Sent, { answer: unknown }>['failure'] }

/** Endpoints in memory by URL; a URL that nobody opened refuses connections. */
export class MemorySender implements Sender {
  readonly endpoints = new Map<string, Endpoint>()

  async send(outgoing: Outgoing): Promise<Sent> {
    const { url, timeoutMs, signal } = outgoing
    const endpoint = this.endpoints.get(url)
    if (!endpoint) return { failure: 'connection_refused', latencyMs: 0 }
    return new Promise((settle) => {
      const end = (result: Result) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
        if ('failure' in result) return settle({ ...result, latencyMs: 0 })
        const { text = '', ...answer } = result
        settle({ answer: { ...answer, text: text.slice(0, responseCharsMax) }, latencyMs: 0 })
      }
      const stop = () => end({ failure: 'stopped' })
      const timer = setTimeout(() => end({ failure: 'timed_out' }), timeoutMs)
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) return stop()
      Promise.resolve(endpoint(outgoing)).then(end, () => end({ failure: 'connection_lost' }))
    })
  }

  async close() {}
}
