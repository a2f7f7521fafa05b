const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const pool = new Uint8Array(4096)
let used = pool.length

/** The next `count` random bytes as an offset into `pool`; one system call serves hundreds of ids. */
function draw(count: number): number {
  if (used + count > pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  used += count
  return used - count
}

let lastMs = 0
let sequence = 0

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
  const at = draw(8)
  const high = Math.floor(lastMs / 0x1_0000)
  const low = lastMs & 0xffff
  const h = (byte: number) => hex[byte & 0xff] as string
  const r = (index: number) => h(pool[at + index] as number)
  const variant = h(0x80 | ((pool[at] as number) & 0x3f))
  return `${h(high >>> 24)}${h(high >>> 16)}${h(high >>> 8)}${h(high)}-${h(low >>> 8)}${h(low)}-${h(0x70 | (sequence >>> 8))}${h(sequence)}-${variant}${r(1)}-${r(2)}${r(3)}${r(4)}${r(5)}${r(6)}${r(7)}`
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
