import type { FieldError } from '@santaclaude/service/faults'

/** A JSON Schema: an object of keywords, or true (everything) or false (nothing). */
export type Schema = boolean | { [keyword: string]: unknown }

const textMax = 65_536
const patternMax = 512
/** The most places of a schema after every reference is followed, so that checking one event has a bound. */
const placesMax = 10_000
const uniqueMax = 1_000
const dialect = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/

/** The keywords whose value is a schema, a list of schemas, or schemas by name. */
export const ones = [
  ...(['additionalProperties', 'items', 'contains', 'propertyNames', 'not', 'if', 'then', 'else'] as const),
  ...(['unevaluatedProperties', 'unevaluatedItems'] as const),
] as const
export const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const
export const maps = ['properties', 'patternProperties', 'dependentSchemas'] as const
/** They would let a schema reach beyond its own text, or make a reference mean something else at each use. */
const refused = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', '$vocabulary']

/**
 * What keeps a schema from being used: its size, what it refers to, and how long a check could take. References are
 * only `#/…` within the schema and may not go round in circles; patterns run in linear time (RE2). Empty = fit.
 */
export function misfitsOf(schema: unknown): FieldError[] {
  const errors: FieldError[] = []
  if (JSON.stringify(schema).length > textMax)
    return [{ path: '', message: `must be at most ${textMax} characters of JSON` }]
  try {
    walk(schema, { root: schema, path: '', refs: [], count: { places: 0 }, errors })
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error
    errors.push({ path: '', message: `must have at most ${placesMax} places with every reference followed` })
  }
  return errors.slice(0, 20)
}

class TooLarge extends Error {}

interface Walk {
  root: unknown
  path: string
  /** The references that led here. */
  refs: string[]
  count: { places: number }
  errors: FieldError[]
}

function walk(schema: unknown, at: Walk): void {
  if (++at.count.places > placesMax) throw new TooLarge()
  const complain = (keyword: string, message: string) => {
    if (!at.errors.some(({ path }) => path === `${at.path}/${keyword}`))
      at.errors.push({ path: `${at.path}/${keyword}`, message })
  }
  if (typeof schema === 'boolean') return
  if (!isObject(schema)) {
    at.errors.push({ path: at.path, message: 'must be an object or a boolean' })
    return
  }
  for (const keyword of refused) if (keyword in schema) complain(keyword, 'is not supported')
  if ('$schema' in schema && !(typeof schema.$schema === 'string' && dialect.test(schema.$schema)))
    complain('$schema', 'must be draft 2020-12, or absent')
  if (typeof schema.pattern === 'string' && schema.pattern.length > patternMax)
    complain('pattern', `must be at most ${patternMax} characters`)
  const isShort = typeof schema.maxItems === 'number' && schema.maxItems <= uniqueMax
  if (schema.uniqueItems === true && !isShort)
    complain('uniqueItems', `needs maxItems of at most ${uniqueMax} beside it`)
  for (const keyword of ones) if (keyword in schema) walk(schema[keyword], { ...at, path: `${at.path}/${keyword}` })
  for (const keyword of lists)
    if (Array.isArray(schema[keyword]))
      for (const [n, part] of (schema[keyword] as unknown[]).entries())
        walk(part, { ...at, path: `${at.path}/${keyword}/${n}` })
  for (const keyword of maps)
    if (isObject(schema[keyword]))
      for (const [name, part] of Object.entries(schema[keyword])) {
        if (keyword === 'patternProperties' && name.length > patternMax) complain(keyword, 'has too long a pattern')
        walk(part, { ...at, path: `${at.path}/${keyword}/${escaped(name)}` })
      }
  if ('$ref' in schema) follow(schema.$ref, { at, complain })
}

function follow(ref: unknown, { at, complain }: { at: Walk; complain: (keyword: string, message: string) => void }) {
  if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref))
    return complain('$ref', 'must be a reference within the schema, such as #/$defs/name')
  if (at.refs.includes(ref) || ref === '#') return complain('$ref', 'must not lead back to itself')
  const found = resolve(at.root, ref)
  if (found === undefined) return complain('$ref', 'leads nowhere')
  walk(found, { ...at, refs: [...at.refs, ref] })
}

/** What a JSON pointer fragment names. Source: RFC 6901 §4 and §6. */
export function resolve(root: unknown, ref: string): Schema | undefined {
  let found: unknown = root
  for (const part of ref.split('/').slice(1)) {
    const name = unescaped(part)
    if (typeof found !== 'object' || found === null || name === undefined || !Object.hasOwn(found, name))
      return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return typeof found === 'boolean' || isObject(found) ? found : undefined
}

function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}

export const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
