import { isObject, lists, maps, ones, resolve, type Schema } from './judge.ts'

/** They say something about a schema and change nothing in what it takes. */
const annotations = new Set([
  ...['$schema', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'format', 'contentEncoding', 'contentMediaType', 'contentSchema'],
])

/** The schema with every reference followed and every annotation gone. It must have passed `misfitsOf`: no circles. */
export const expanded = (schema: Schema): Schema => expand(schema, schema)

function expand(schema: Schema, root: Schema): Schema {
  if (typeof schema === 'boolean') return schema
  const own: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema))
    if (keyword !== '$ref' && !annotations.has(keyword)) own[keyword] = partOf(keyword, value, root)
  if (typeof schema.$ref !== 'string') return own
  const target = expand(resolve(root, schema.$ref) ?? true, root)
  if (Object.keys(own).length === 0 || target === false) return target
  return target === true ? own : { ...own, allOf: [...((own.allOf as Schema[] | undefined) ?? []), target] }
}

function partOf(keyword: string, value: unknown, root: Schema): unknown {
  const part = (one: unknown) => expand(one as Schema, root)
  if ((ones as readonly string[]).includes(keyword)) return part(value)
  if ((lists as readonly string[]).includes(keyword) && Array.isArray(value)) return value.map(part)
  if ((maps as readonly string[]).includes(keyword) && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, part(one)]))
  return value
}
