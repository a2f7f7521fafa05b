import { Fault } from './faults.ts'

const depthMax = 64
const arrivalMs = 30_000
const watchEveryMs = 1_000
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The largest JSON body a route takes unless it says otherwise. */
export const jsonBytesMax = 1_048_576

const tooLarge = (bytesMax: number) =>
  new Fault('body_too_large', { detail: `The body may have at most ${bytesMax} bytes.` })

/**
 * The whole body as bytes, never more than `bytesMax`; for routes with `parse: 'none'`.
 * Faults: body_too_large, request_timeout (30 s without the end), malformed_request (cut off).
 */
export async function readBody(request: Request, { bytesMax }: { bytesMax: number }): Promise<Uint8Array> {
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > bytesMax) throw tooLarge(bytesMax)
  if (declared !== null) {
    const bytes = await arrived(request.bytes())
    if (bytes.byteLength > bytesMax) throw tooLarge(bytesMax)
    return bytes
  }
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body.getReader()
  for (;;) {
    const { done, value } = await arrived(reader.read())
    if (done) break
    size += value.byteLength
    if (size > bytesMax) {
      reader.cancel().catch(() => {})
      throw tooLarge(bytesMax)
    }
    chunks.push(value)
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size)
}

/**
 * The body as it comes, of any length; for routes with `parse: 'none'`. Only what was asked for is read.
 * Faults: request_timeout (30 s without a byte), malformed_request (cut off).
 */
export async function* bodyChunks(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return
  const reader = request.body.getReader()
  try {
    for (;;) {
      const { done, value } = await arrived(reader.read())
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** A read that has not arrived yet. */
interface Awaited {
  lateAtMs: number
  reject(fault: Fault): void
}

const awaited = new Set<Awaited>()
let watch: ReturnType<typeof setInterval> | undefined

/** One timer watches all reads, in the order they began, and stops when a round finds none: a timer for each would cost more than most bodies. */
function watchOver() {
  watch ??= setInterval(() => {
    const nowMs = performance.now()
    for (const read of awaited) {
      if (read.lateAtMs > nowMs) return
      awaited.delete(read)
      read.reject(new Fault('request_timeout'))
    }
    if (awaited.size > 0) return
    clearInterval(watch)
    watch = undefined
  }, watchEveryMs)
}

function arrived<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const read = { lateAtMs: performance.now() + arrivalMs, reject }
    awaited.add(read)
    watchOver()
    work.then(
      (value) => {
        awaited.delete(read)
        resolve(value)
      },
      (cause) => {
        awaited.delete(read)
        reject(new Fault('malformed_request', { detail: 'The body was cut off.', cause }))
      },
    )
  })
}

/**
 * JSON from bytes, strictly: UTF-8, at most 64 levels deep, no `__proto__` key.
 * Faults: malformed_json, unsafe_key.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new Fault('malformed_json', { detail: 'The body is not valid UTF-8.', cause })
  }
  if (isDeep(bytes)) throw new Fault('malformed_json', { detail: `The body is nested deeper than ${depthMax} levels.` })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('malformed_json', { detail: positionOf(cause), cause })
  }
  if ((text.includes('__proto__') || text.includes('\\u')) && hasUnsafeKey(value)) throw new Fault('unsafe_key')
  return value
}

const positionOf = (cause: unknown) =>
  `The body is not JSON${cause instanceof Error ? `: ${cause.message.replace(/^JSON Parse error: /, '').slice(0, 120)}` : ''}.`

/** Whether arrays and objects nest past the limit, seen before parsing so that no parser has to survive it. */
function isDeep(bytes: Uint8Array): boolean {
  let opened = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if ((byte | 0x20) === 0x7b && ++opened > depthMax) return isDeepCounted(bytes)
  }
  return false
}

function isDeepCounted(bytes: Uint8Array): boolean {
  let depth = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (inText) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if ((byte | 0x20) === 0x7b) {
      if (++depth > depthMax) return true
    } else if ((byte | 0x20) === 0x7d) depth--
  }
  return false
}

function hasUnsafeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasUnsafeKey)
  return Object.keys(value).some((key) => key === '__proto__' || hasUnsafeKey((value as Record<string, unknown>)[key]))
}
