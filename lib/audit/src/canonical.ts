/** Thrown when a value has no canonical JSON text. `path` is a JSON pointer to the part that has none. */
export class CanonicalError extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path || '/'}: ${reason}`)
    this.name = 'CanonicalError'
  }
}

/** A refusal on its way up: each level adds its step, so that a value without fault pays nothing for its places. */
class Refusal {
  readonly steps: (string | number)[] = []
  constructor(readonly reason: string) {}
}

/** Deeper values are refused: a reader in another language should never need a larger stack than ours. */
const depthMax = 64

const encoder = new TextEncoder()

/** The UTF-8 bytes of {@link canonicalJson}: what is hashed, appended and stored. */
export const canonicalBytes = (value: unknown): Uint8Array<ArrayBuffer> => encoder.encode(canonicalJson(value))

/**
 * The one JSON text of a value: no white space, object keys in UTF-16 code unit order, numbers and strings as
 * ECMAScript writes them. Members that are `undefined` are left out, as `JSON.stringify` does; everything else that
 * JSON cannot carry unchanged (NaN, infinities, lone surrogates, functions, dates, class instances) is refused.
 * Source: RFC 8785 (JSON Canonicalization Scheme) §3.2.
 */
export function canonicalJson(value: unknown): string {
  try {
    return write(value, 0)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const steps = error.steps.map((step) => `/${String(step).replace(/~/g, '~0').replace(/\//g, '~1')}`)
    throw new CanonicalError(steps.toReversed().join(''), error.reason)
  }
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
      if (!Number.isFinite(value)) throw new Refusal(`${value} is not a JSON number`)
      return Object.is(value, -0) ? '0' : String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= depthMax) throw new Refusal(`nested deeper than ${depthMax} levels`)
      return Array.isArray(value) ? list(value, depth) : members(value, depth)
    default:
      throw new Refusal(`a ${typeof value} is not a JSON value`)
  }
}

/** Printable ASCII without quotes and backslashes: written as it is. */
const plain = /^[ !#-[\]-~]*$/

function text(value: string): string {
  if (plain.test(value)) return `"${value}"`
  if (!value.isWellFormed()) throw new Refusal('the text holds a lone surrogate')
  return JSON.stringify(value)
}

function list(items: unknown[], depth: number): string {
  let out = '['
  let at = 0
  try {
    for (; at < items.length; at++) out += at === 0 ? write(items[at], depth + 1) : `,${write(items[at], depth + 1)}`
  } catch (error) {
    if (error instanceof Refusal) error.steps.push(at)
    throw error
  }
  return `${out}]`
}

function members(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new Refusal('not a plain object')
  let out = '{'
  let at = ''
  try {
    // Written member by member: rebuilding a sorted object would put integer-like keys first, whatever their order.
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key]
      if (member === undefined) continue
      at = key
      out += `${out.length > 1 ? ',' : ''}${text(key)}:${write(member, depth + 1)}`
    }
  } catch (error) {
    if (error instanceof Refusal) error.steps.push(at)
    throw error
  }
  return `${out}}`
}
