import type { Tool } from '../../chat/schemas.ts'

/** The part of a JSON Schema that says what an argument is. */
interface Schema {
  type?: string | string[]
  enum?: unknown[]
  format?: string
  description?: string
}

/** What an offered tool is good for, judged by its name, its words and its parameters. */
export type Ability = 'navigate' | 'snapshot' | 'click' | 'wait'

const names: Record<Ability, RegExp> = {
  navigate: /(navigat|goto|go_to|open|visit|browse|load|fetch)/i,
  snapshot: /(snapshot|observe|read|look|content|get_page|page_text|inspect)/i,
  click: /(click|press|tap|^act$|[_-]act$|interact|perform)/i,
  wait: /(wait|sleep|pause)/i,
}

const targetNames = /^(ref|element_?ref|target|element_?id|selector|uid)$/i
const urlNames = /^(url|uri|href|address|link|page_?url)$/i
const actionNames = /^(action|kind|act|op|operation|verb)$/i

const propertiesOf = ({ function: { parameters } }: Tool) => {
  const properties = (parameters?.properties ?? {}) as Record<string, Schema>
  return Object.entries(properties)
}

/** The offered tool that can do it, best named first; undefined when none can. */
export function toolFor(ability: Ability, tools: readonly Tool[]): Tool | undefined {
  const fits = tools.filter((tool) => names[ability].test(tool.function.name) && canTake(ability, tool))
  if (fits.length > 0 || ability !== 'navigate') return fits[0]
  return tools.find((tool) => canTake('navigate', tool))
}

function canTake(ability: Ability, tool: Tool): boolean {
  const keys = propertiesOf(tool).map(([key]) => key)
  if (ability === 'navigate') return keys.some((key) => urlNames.test(key))
  if (ability === 'snapshot') return !requiredOf(tool).some((key) => urlNames.test(key) || targetNames.test(key))
  if (ability === 'wait') return requiredOf(tool).every((key) => waitMs(key) !== undefined || idNames.test(key))
  return keys.some((key) => targetNames.test(key))
}

const idNames = /(^|_|[a-z])(session|page|tab|context)(_?id)?$/i

/** A short wait in the unit the argument's name says. */
function waitMs(key: string): number | undefined {
  if (/(ms|milliseconds|millis)$/i.test(key)) return 300
  return /^(seconds|secs?|time|duration)$/i.test(key) ? 1 : undefined
}

const requiredOf = ({ function: { parameters } }: Tool) =>
  Array.isArray(parameters?.required) ? (parameters.required as string[]) : []

/** What is known when a call is made. */
export interface Known {
  url?: string
  ref?: string
  /** The element in words. */
  element?: string
  /** What to do with it, for tools that do several things. */
  action?: Ability
  /** Nothing but a little time is wanted. */
  isWait?: boolean
  /** Values earlier results gave under a name: page and session ids. */
  memory: Map<string, string>
  /** The user's words, for tools that are about something else. */
  asked?: string
}

/** Arguments for a call, or undefined when something required is not known. Nothing is made up. */
export function argumentsFor(tool: Tool, known: Known): Record<string, unknown> | undefined {
  const filled: Record<string, unknown> = {}
  const required = requiredOf(tool)
  for (const [key, schema] of propertiesOf(tool)) {
    const value = valueFor(key, schema, known, required.includes(key))
    if (value !== undefined) filled[key] = value
    else if (required.includes(key)) return undefined
  }
  return filled
}

function valueFor(key: string, schema: Schema, known: Known, isRequired: boolean): unknown {
  if (urlNames.test(key)) return known.url
  if (known.ref !== undefined && targetNames.test(key)) {
    return /selector/i.test(key) ? `aria-ref=${known.ref}` : known.ref
  }
  if (known.element !== undefined && /^(element|description|label|name)$/i.test(key)) return known.element
  if (actionNames.test(key) && known.action) {
    const action = known.action
    return schema.enum?.find((option) => typeof option === 'string' && option.toLowerCase().includes(action)) ?? action
  }
  if (known.isWait && (schema.type === 'number' || schema.type === 'integer')) return waitMs(key)
  const remembered = known.memory.get(plainKey(key))
  if (remembered !== undefined) return typed(remembered, schema)
  return isRequired && known.asked !== undefined ? fromWords(key, schema, known.asked) : undefined
}

/** `page_id`, `pageId` and `PAGE-ID` are one name. */
export const plainKey = (key: string) => key.toLowerCase().replace(/[^a-z0-9]/g, '')

function typed(text: string, { type }: Schema): unknown {
  if (type !== 'number' && type !== 'integer') return text
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** A value the user's own words hold: one of the allowed ones, a number, something quoted, a proper name. */
function fromWords(key: string, schema: Schema, asked: string): unknown {
  const words = asked.toLowerCase()
  if (schema.enum) return schema.enum.find((option) => words.includes(String(option).toLowerCase()))
  if (schema.type === 'number' || schema.type === 'integer') {
    const number = /-?\d+(?:\.\d+)?/.exec(asked)?.[0]
    return number === undefined ? undefined : Number(number)
  }
  if (schema.type === 'boolean') return undefined
  if (schema.type !== undefined && schema.type !== 'string') return undefined
  const quoted = /["“'‘]([^"”'’]{1,200})["”'’]/.exec(asked)?.[1]
  if (quoted !== undefined) return quoted
  const named = /(?<=\b(?:in|for|of|at|to|about|from)\s)\p{Lu}[\p{L}'’-]*(?:\s\p{Lu}[\p{L}'’-]*)*/u.exec(asked)?.[0]
  return named ?? (/^(query|q|search|question|prompt|input|text|expression)$/i.test(key) ? asked.trim() : undefined)
}

/** The offered tool the words speak of most, with arguments found in them; for tools that are not a browser's. */
export function toolSpokenOf(asked: string, tools: readonly Tool[], memory: Map<string, string>) {
  const words = new Set(asked.toLowerCase().match(/\p{L}{3,}/gu) ?? [])
  let best: { tool: Tool; arguments: Record<string, unknown>; score: number } | undefined
  for (const tool of tools) {
    const own = new Set(
      tool.function.name
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
        .match(/\p{L}{3,}/gu),
    )
    const score = [...own].filter((word) => words.has(word) && !/^(get|the|browser|tool)$/.test(word)).length
    if (score === 0 || (best && score <= best.score)) continue
    const url = /https?:\/\/\S+/.exec(asked)?.[0]
    const filled = argumentsFor(tool, { memory, asked, ...(url !== undefined && { url }) })
    if (filled) best = { tool, arguments: filled, score }
  }
  return best
}
