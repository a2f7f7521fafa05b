import { FilterError } from './filter-error.ts'
import { parseCondition } from './filter-grammar.ts'
import type { Filter, LogEvent } from './port.ts'

export type Fits = (event: LogEvent) => boolean

const TYPES_MAX = 64
const typeForm = /^(\*|[^\s*]{1,255}(\.\*)?)$/

/**
 * Compiles a filter once; the result looks at one event in well under a microsecond, plus one parse of its data when the
 * condition asks for data. Throws a {@link FilterError}.
 */
export function compileFilter({ types, where }: Filter): Fits {
  const fitsType = types ? compileTypes(types) : undefined
  const condition = where === undefined ? undefined : parseCondition(where)
  if (!condition) return fitsType ?? (() => true)
  return (event) => (fitsType?.(event) ?? true) && condition(new Looked(event))
}

function compileTypes(types: string[]): Fits {
  if (types.length > TYPES_MAX) throw new FilterError(`A filter may name ${TYPES_MAX} types`, TYPES_MAX, 'types')
  const exact = new Set<string>()
  const prefixes: string[] = []
  for (const [n, type] of types.entries()) {
    if (!typeForm.test(type))
      throw new FilterError('A type is a text without blanks, or a prefix ending in .*', n, 'types')
    if (type === '*') prefixes.push('')
    else if (type.endsWith('.*')) prefixes.push(type.slice(0, -1))
    else exact.add(type)
  }
  return ({ type }) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix))
}

/** An event as a condition sees it: data and further attributes are parsed when first asked for. */
class Looked {
  private parsedData: unknown
  private isDataParsed = false
  private parsedMore: Record<string, unknown> | undefined

  constructor(private readonly event: LogEvent) {}

  get data(): unknown {
    if (!this.isDataParsed) {
      this.isDataParsed = true
      this.parsedData = parsed(this.event.dataJson)
    }
    return this.parsedData
  }

  attribute(name: string): unknown {
    const { id, source, type, partitionkey } = this.event
    if (name === 'type') return type
    if (name === 'source') return source
    if (name === 'id') return id
    if (name === 'partitionkey') return partitionkey
    this.parsedMore ??= (parsed(this.event.attributesJson) ?? {}) as Record<string, unknown>
    return Object.hasOwn(this.parsedMore, name) ? this.parsedMore[name] : undefined
  }
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
