/**
 * Server-sent events as the HTML standard §9.2 writes and reads them.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export interface SseEvent {
  /** Becomes the reader's `Last-Event-ID`. */
  id?: string
  /** The event's name; readers see `message` when it is absent. */
  event?: string
  /** Text as it is; anything else as JSON. */
  data: unknown
  /** How long the reader should wait before it reconnects, in milliseconds. */
  retryMs?: number
}

const oneLine = (text: string) => text.replace(/[\r\n\0]/g, ' ')

/** One event as it goes on the wire, ending in the blank line that dispatches it. */
export function encodeSse({ id, event, data, retryMs }: SseEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  const lines = /[\r\n]/.test(text) ? text.split(/\r\n|\r|\n/).join('\ndata: ') : text
  return `${id === undefined ? '' : `id: ${oneLine(id)}\n`}${event === undefined ? '' : `event: ${oneLine(event)}\n`}${
    retryMs === undefined ? '' : `retry: ${Math.floor(retryMs)}\n`
  }data: ${lines}\n\n`
}

/** A comment line: keeps proxies and readers from closing a quiet stream. */
export const encodeSseComment = (text: string) => `: ${oneLine(text)}\n\n`

/** An event as a reader meets it: the data is always text, the name is never empty. */
export interface SseMessage {
  id: string
  event: string
  data: string
}

/** Reads server-sent events from a body until it ends. Events cut short by the end are dropped, as the standard says. */
export async function* readSse(body: ReadableStream<Uint8Array>): AsyncGenerator<SseMessage> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      let start = 0
      for (;;) {
        const end = lineEnd(rest, start, done)
        if (!end) break
        const line = rest.slice(start, end.at)
        start = end.next
        if (line === '') {
          if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        if (colon === 0) continue
        const field = colon < 0 ? line : line.slice(0, colon)
        const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
        if (field === 'data') data.push(value)
        else if (field === 'event') event = value
        else if (field === 'id' && !value.includes('\0')) id = value
      }
      rest = rest.slice(start)
      if (done) return
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Where the line that begins at `start` ends, or nothing when more bytes are needed (a lone CR may be half of a CRLF). */
function lineEnd(text: string, start: number, isLast: boolean): { at: number; next: number } | undefined {
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '\n') return { at, next: at + 1 }
    if (char !== '\r') continue
    if (at + 1 === text.length && !isLast) return undefined
    return { at, next: text[at + 1] === '\n' ? at + 2 : at + 1 }
  }
  return undefined
}
