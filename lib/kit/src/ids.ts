const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const pool = new Uint8Array(4096)
let poolHex = ''
let used = pool.length

/** Moves past the next `count` random bytes of the pool and answers where they begin; one system call serves hundreds of ids. */
function draw(count: number): number {
  if (used + count > pool.length) {
    crypto.getRandomValues(pool)
    poolHex = pool.toHex()
    used = 0
  }
  used += count
  return used - count
}

/** `length` random lower-case hex digits. */
export function hexRandom(length: number): string {
  const at = draw((length + 1) >> 1)
  return poolHex.slice(at * 2, at * 2 + length)
}

/** Every 12-bit counter as three hex digits. */
const counters = Array.from({ length: 0x1000 }, (_, count) => count.toString(16).padStart(3, '0'))

let lastMs = 0
let sequence = 0
let prefixMs = -1
let prefix = ''

/**
 * A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then a 12-bit counter that orders the ids one process makes
 * in one millisecond (§6.2 method 1), then 62 random bits. Ids of one process strictly increase.
 */
export function uuidv7(nowMs = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    sequence = 0
  } else if (++sequence > 0xfff) {
    lastMs++
    sequence = 0
  }
  if (lastMs !== prefixMs) {
    const time = lastMs.toString(16).padStart(12, '0')
    prefixMs = lastMs
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`
  }
  const tail = hexRandom(16)
  const variant = '89ab'[Number.parseInt(tail[0] as string, 16) & 3]
  return `${prefix}${counters[sequence]}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Whether a text is a lower-case UUID of any version. */
export const isUuid = (text: string) => uuid.test(text)

/** `length` random base62 characters, each equally likely (bytes of 248 and above are thrown away). */
export function base62Random(length: number): string {
  let text = ''
  while (text.length < length) {
    const byte = pool[draw(1)] as number
    if (byte < 248) text += base62[byte % 62]
  }
  return text
}
