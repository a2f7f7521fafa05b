import type { FieldError } from '@santaclaude/service/faults'
import { expanded } from './expand.ts'
import { escaped, isObject, type Schema } from './judge.ts'

/**
 * `backward`: whoever reads with the new schema can read what was written with the old one. `forward`: whoever reads
 * with the old schema can read what is written with the new one. `full`: both.
 */
export type Compatibility = 'none' | 'backward' | 'forward' | 'full'

type Keywords = Record<string, unknown>

/**
 * Why two versions do not go together; empty = they do. One schema reads what the other writes when, place by place:
 * - it takes every type, every `enum` and `const` value, and every bound (`minimum` … `maxProperties`, `multipleOf`);
 * - it requires nothing that the writer may leave out, and wants `uniqueItems` only where the writer does;
 * - the same holds for each named property, for all others (`additionalProperties`), `prefixItems` and `items`. A
 *   property that a writer neither names nor lets in by an `additionalProperties` of its own counts as not sent, so an
 *   optional property may be added; closing an object that was open is a conflict;
 * - what only holds as a whole (`pattern`, `allOf`, `anyOf`, `oneOf`, `not`, `if`, `contains` …) is the same in both, or
 *   absent in the reader. References are followed first; annotations and `format` do not count.
 * It errs on the side of refusal: what cannot be shown this way is a conflict.
 */
export function conflictsBetween(older: Schema, newer: Schema, wanted: Compatibility): FieldError[] {
  const [before, after] = [expanded(older), expanded(newer)]
  const backward = wanted === 'backward' || wanted === 'full' ? gaps(after, before, '') : []
  const forward = wanted === 'forward' || wanted === 'full' ? gaps(before, after, '') : []
  return [
    ...backward.map(({ path, message }) => ({ path, message: `the new version ${message} than the old one` })),
    ...forward.map(({ path, message }) => ({ path, message: `the old version ${message} than the new one` })),
  ].slice(0, 20)
}

/** Where `wide`, the reader, refuses something that `narrow`, the writer, lets through. */
function gaps(wide: Schema, narrow: Schema, path: string): FieldError[] {
  if (narrow === false || wide === true) return []
  if (wide === false) return [{ path, message: 'lets nothing through here, which is less' }]
  const written = narrow === true ? {} : narrow
  const errors: FieldError[] = []
  const complain = (keyword: string, message = 'asks for more here') =>
    errors.push({ path: `${path}/${keyword}`, message })
  if (!typesFit(wide, written)) complain('type', 'takes fewer types here')
  if (!valuesFit(wide, written)) complain('const' in wide ? 'const' : 'enum', 'takes fewer values here')
  for (const bound of bounds) if (!boundFits(wide, written, bound)) complain(bound.keyword)
  if (!stepFits(wide.multipleOf, written.multipleOf)) complain('multipleOf')
  if (wide.uniqueItems === true && written.uniqueItems !== true) complain('uniqueItems')
  const always = new Set(texts(written.required))
  for (const name of texts(wide.required))
    if (!always.has(name)) complain('required', `asks for “${name.slice(0, 64)}”, which is more`)
  for (const keywords of wholes)
    if (!wholeFits(wide, written, keywords))
      complain(keywords[0] as string, 'has another condition here, which cannot be shown to take no less')
  for (const { place, read, write } of [...properties(wide, written), ...others(wide, written)])
    errors.push(...gaps(read as Schema, write as Schema, `${path}/${place}`))
  return errors
}

const allTypes = ['null', 'boolean', 'object', 'array', 'number', 'string']
const typesOf = ({ type }: Keywords) =>
  type === undefined ? allTypes : typeof type === 'string' ? [type] : texts(type)

function typesFit(wide: Keywords, narrow: Keywords): boolean {
  const taken = new Set(typesOf(wide))
  const fixed = fixedValues(narrow)
  const given = narrow.type === undefined && fixed ? fixed.map(typeOf) : typesOf(narrow)
  return given.every((type) => taken.has(type) || (type === 'integer' && taken.has('number')))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

const fixedValues = (keywords: Keywords): unknown[] | undefined =>
  'const' in keywords ? [keywords.const] : Array.isArray(keywords.enum) ? keywords.enum : undefined

function valuesFit(wide: Keywords, narrow: Keywords): boolean {
  const taken = fixedValues(wide)
  if (!taken) return true
  return fixedValues(narrow)?.every((value) => taken.some((one) => isSame(one, value))) ?? false
}

const least = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const most = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
const bounds = [...least.map((keyword) => ({ keyword, sign: 1 })), ...most.map((keyword) => ({ keyword, sign: -1 }))]

function boundFits(wide: Keywords, narrow: Keywords, { keyword, sign }: { keyword: string; sign: number }): boolean {
  const [read, written] = [wide[keyword], narrow[keyword]]
  if (typeof read !== 'number' || (read === 0 && /^min[LIP]/.test(keyword))) return true
  return typeof written === 'number' && (read - written) * sign <= 0
}

const stepFits = (wide: unknown, narrow: unknown) =>
  typeof wide !== 'number' || (typeof narrow === 'number' && Number.isInteger(narrow / wide))

/** Keywords that are only compared as a whole. */
const wholes = [
  ['pattern'],
  ['propertyNames'],
  ['contains', 'minContains', 'maxContains'],
  ['allOf'],
  ['anyOf'],
  ['oneOf'],
  ['not'],
  ['if', 'then', 'else'],
  ['dependentSchemas'],
  ['dependentRequired'],
  ['unevaluatedProperties'],
  ['unevaluatedItems'],
]

function wholeFits(wide: Keywords, narrow: Keywords, keywords: string[]): boolean {
  return !keywords.some((one) => one in wide) || keywords.every((one) => isSame(wide[one], narrow[one]))
}

const restOf = ({ additionalProperties, unevaluatedProperties }: Keywords) =>
  additionalProperties ?? unevaluatedProperties

/** The named properties of both sides. */
function properties(wide: Keywords, narrow: Keywords) {
  const [read, written] = [record(wide.properties), record(narrow.properties)]
  const names = new Set([...Object.keys(read), ...Object.keys(written)])
  // A pattern of the writer may let any name in.
  const unnamed = narrow.patternProperties === undefined ? (restOf(narrow) ?? false) : true
  return [...names].map((name) => ({
    place: `properties/${escaped(name)}`,
    read: read[name] ?? restOf(wide) ?? true,
    write: written[name] ?? unnamed,
  }))
}

/** What holds for every other property, and for items. */
function others(wide: Keywords, narrow: Keywords) {
  const [read, written] = [list(wide.prefixItems), list(narrow.prefixItems)]
  const places = Array.from({ length: Math.max(read.length, written.length) }, (_, n) => ({
    ...{ place: `prefixItems/${n}`, read: read[n] ?? wide.items ?? true, write: written[n] ?? narrow.items ?? true },
  }))
  const hasSamePatterns = isSame(wide.patternProperties, narrow.patternProperties)
  const rest = wide.patternProperties ? false : (restOf(wide) ?? true)
  return [
    { place: 'additionalProperties', read: restOf(wide) ?? true, write: restOf(narrow) ?? true },
    // Without the same patterns on both sides, what they let in meets what the reader says of the rest.
    { place: 'patternProperties', read: hasSamePatterns || rest, write: !hasSamePatterns },
    { place: 'items', read: wide.items ?? true, write: narrow.items ?? true },
    ...places,
  ]
}

const record = (value: unknown): Keywords => (isObject(value) ? value : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const texts = (value: unknown): string[] => list(value).filter((one) => typeof one === 'string')

/** Whether two JSON values are the same, whatever the order of members. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, n) => isSame(one, b[n]))
  if (!isObject(a) || !isObject(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  )
}
