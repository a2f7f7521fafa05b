import type { ChatRequest } from '../../chat/schemas.ts'

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
}

/**
 * What was found, in the JSON the caller asked for: as it is in JSON mode, by the names in the schema otherwise. A field
 * that is required and was not found makes a refusal: the offline model does not invent.
 */
export function jsonAnswer(
  format: ChatRequest['response_format'],
  facts: Record<string, unknown>,
): { text: string; isRefusal: boolean } | undefined {
  if (!format || format.type === 'text') return undefined
  if (format.type === 'json_object') return { text: JSON.stringify(facts), isRefusal: false }
  const missing: string[] = []
  const value = fit((format.json_schema?.schema ?? {}) as Schema, { name: '', facts, path: '', missing })
  if (missing.length === 0) return { text: JSON.stringify(value), isRefusal: false }
  return { text: `The offline model found nothing in its input for: ${missing.join(', ')}.`, isRefusal: true }
}

interface Place {
  name: string
  facts: Record<string, unknown>
  path: string
  missing: string[]
}

function fit(schema: Schema, place: Place): unknown {
  const { name, facts, path, missing } = place
  if (schema.const !== undefined) return schema.const
  if (schema.properties) {
    const inner = isObject(facts[name]) ? facts[name] : facts
    const entries = Object.entries(schema.properties).map(([key, one]) => [
      key,
      fit(one, { name: key, facts: inner, path: path === '' ? key : `${path}.${key}`, missing }),
    ])
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  }
  const found = lookUp(facts, name)
  if (schema.items && Array.isArray(found)) {
    const { items } = schema
    return found.map((one) => {
      const own = isObject(one) ? one : { [name]: one, value: one, name: one, text: one }
      return items.properties
        ? fit(items, { ...place, name: '', facts: own })
        : suited(items, isObject(one) ? one.name : one)
    })
  }
  const value = suited(schema, found)
  if (value === undefined) missing.push(path === '' ? 'the answer' : path)
  return value
}

function suited(schema: Schema, value: unknown): unknown {
  const types = [schema.type ?? schema.anyOf?.map(({ type }) => type) ?? []].flat(2)
  const isOf = (type: string) => types.length === 0 || types.includes(type)
  if (value !== undefined && value !== null && schema.enum && !schema.enum.includes(value)) return undefined
  if (typeof value === 'string' && isOf('string')) return value
  if (typeof value === 'number' && (isOf('number') || (isOf('integer') && Number.isInteger(value)))) return value
  if (typeof value === 'number' && types.includes('string')) return String(value)
  if (typeof value === 'boolean' && isOf('boolean')) return value
  if (Array.isArray(value) && isOf('array')) return value
  return types.includes('null') ? null : undefined
}

const synonyms: Record<string, string[]> = {
  name: ['product', 'title', 'cheapest', 'item', 'winner', 'product_name', 'cheapest_product'],
  price: ['cost', 'amount', 'lowest_price', 'cheapest_price', 'value'],
  url: ['page_url', 'link', 'source', 'href', 'where'],
  page: ['shop', 'store', 'site', 'page_title'],
  items: ['products', 'offers', 'list', 'results', 'prices', 'values', 'entries', 'kettles'],
  answer: ['text', 'result', 'response', 'summary', 'message', 'reply', 'explanation'],
}

function lookUp(facts: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(facts, name)) return facts[name]
  const plain = name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
  if (Object.hasOwn(facts, plain)) return facts[plain]
  const known = Object.entries(synonyms).find(([, others]) => others.includes(plain))?.[0]
  return known !== undefined && Object.hasOwn(facts, known) ? facts[known] : undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
