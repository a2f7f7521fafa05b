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
export const canonicalJson = (value: unknown): string => write(value, undefined, 0)

interface Place {
  key: string | number
  parent: Place | undefined
}

function write(value: unknown, place: Place | undefined, depth: number): string {
  switch (typeof value) {
    case 'string':
      return text(value, place)
    case 'number':
      if (!Number.isFinite(value)) throw refusal(place, `${value} is not a JSON number`)
      return Object.is(value, -0) ? '0' : String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= depthMax) throw refusal(place, `nested deeper than ${depthMax} levels`)
      return Array.isArray(value) ? list(value, place, depth) : members(value, place, depth)
    default:
      throw refusal(place, `a ${typeof value} is not a JSON value`)
  }
}

function text(value: string, place: Place | undefined): string {
  if (!value.isWellFormed()) throw refusal(place, 'the text holds a lone surrogate')
  return JSON.stringify(value)
}

function list(items: unknown[], place: Place | undefined, depth: number): string {
  let out = '['
  for (let index = 0; index < items.length; index++) {
    if (index > 0) out += ','
    out += write(items[index], { key: index, parent: place }, depth + 1)
  }
  return `${out}]`
}

function members(value: object, place: Place | undefined, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw refusal(place, 'not a plain object')
  let out = '{'
  // Written member by member: rebuilding a sorted object would put integer-like keys first, whatever their order.
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const here = { key, parent: place }
    if (out.length > 1) out += ','
    out += `${text(key, here)}:${write(member, here, depth + 1)}`
  }
  return `${out}}`
}

function refusal(place: Place | undefined, reason: string): CanonicalError {
  const steps: string[] = []
  for (let at = place; at; at = at.parent) steps.unshift(String(at.key).replace(/~/g, '~0').replace(/\//g, '~1'))
  return new CanonicalError(steps.map((step) => `/${step}`).join(''), reason)
}
