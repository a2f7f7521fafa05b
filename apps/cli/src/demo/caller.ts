import type { SseMessage } from '@santaclaude/kit/sse'
import { client } from '@santaclaude/service/client'

/** Calls of one service with one key, all in the trace of one run. */
export interface Caller {
  call<T>(method: string, path: string, body?: unknown): Promise<T>
  bytes(path: string): Promise<ArrayBuffer>
  events(method: string, path: string, options?: { body?: unknown; signal?: AbortSignal }): AsyncGenerator<SseMessage>
}

/** One W3C trace for the whole run: by it the bus' events and the audit records of exactly this run are found. */
export function callerOf(baseUrl: string, { key, traceId }: { key: string; traceId: string }): Caller {
  const http = client({ baseUrl, key, deadlineMs: 120_000 })
  const headers = () => ({ traceparent: `00-${traceId}-${randomHex(8)}-01` })
  return {
    call: (method, path, body) =>
      http.call(method, path, { headers: headers(), ...(body === undefined ? {} : { body }) }),
    async bytes(path) {
      const answer = await http.raw('GET', path, { headers: headers() })
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
      return await answer.arrayBuffer()
    },
    events: (method, path, options = {}) => http.events(method, path, { headers: headers(), ...options }),
  }
}

/** `count` random bytes as hexadecimal digits. */
export const randomHex = (count: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(count))).toString('hex')
