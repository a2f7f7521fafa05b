import { ProviderError } from './port.ts'

/** One server-sent event: its exact bytes, blank line included, and the text of its `data` lines ('' for comments). */
export interface Block {
  bytes: Uint8Array
  data: string
}

const LF = 10
const CR = 13
const utf8 = new TextDecoder()

/**
 * Cuts a byte stream into whole server-sent events without re-encoding them. Answers the events each piece completed;
 * a part of one left at the end is the caller's sign that the stream was cut (`isClean`).
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class SseBlocks {
  private held = new Uint8Array(0)
  private length = 0
  /** Where the search goes on, and how long the current line is so far. */
  private at = 0
  private lineLength = 0

  constructor(private readonly bytesMax = 16 * 1024 * 1024) {}

  get isClean() {
    return this.length === 0
  }

  push(piece: Uint8Array): Block[] {
    this.take(piece)
    const blocks: Block[] = []
    let start = 0
    for (; this.at < this.length; this.at++) {
      const byte = this.held[this.at]
      if (byte === CR) {
        if (this.at + 1 === this.length) break
        if (this.held[this.at + 1] === LF) continue
      } else if (byte !== LF) {
        this.lineLength++
        continue
      }
      if (this.lineLength > 0) {
        this.lineLength = 0
        continue
      }
      const bytes = this.held.slice(start, this.at + 1)
      start = this.at + 1
      const data = dataOf(bytes)
      if (bytes.byteLength > 2 || data !== '') blocks.push({ bytes, data })
    }
    this.held.copyWithin(0, start, this.length)
    this.length -= start
    this.at -= start
    return blocks
  }

  private take(piece: Uint8Array) {
    const needed = this.length + piece.byteLength
    if (needed > this.bytesMax) throw new ProviderError('malformed', `an event is longer than ${this.bytesMax} bytes`)
    if (needed > this.held.byteLength) {
      const grown = new Uint8Array(Math.max(needed, this.held.byteLength * 2, 4096))
      grown.set(this.held.subarray(0, this.length))
      this.held = grown
    }
    this.held.set(piece, this.length)
    this.length = needed
  }
}

function dataOf(bytes: Uint8Array): string {
  const text = utf8.decode(bytes)
  const single = /^data: ?([^\r\n]*)(?:\r\n|\r|\n){2}$/.exec(text)
  if (single) return single[1] ?? ''
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('data:'))
  return lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')
}
