import { FilterError } from './filter-error.ts'

/**
 * The closed grammar of a filter's condition. Words are lower case; blanks separate and mean nothing else.
 *
 *     condition = all { "or" all }
 *     all       = one { "and" one }
 *     one       = "not" one | "(" condition ")" | "exists" path | path test
 *     test      = ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "^=" | "has" ) literal | "in" "[" literal { "," literal } "]"
 *     path      = ( "data" | attribute ) { "." name | "[" ( whole number | text ) "]" }
 *     literal   = text in double quotes, as in JSON | number | "true" | "false" | "null"
 *
 * `^=` is "begins with", `has` is "this list contains". Values of different kinds are never equal, larger or smaller. A
 * path that leads nowhere fits no test, `!=` included; `not` turns that round.
 */
export type Condition = (event: Subject) => boolean

/** What a condition looks at. */
export interface Subject {
  readonly data: unknown
  attribute(name: string): unknown
}

type Literal = string | number | boolean | null
type Read = (event: Subject) => unknown

const CHARACTERS_MAX = 2_048
const TESTS_MAX = 64
const DEPTH_MAX = 16

const token =
  /\s*(?:([A-Za-z_][A-Za-z0-9_-]*)|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(<=|>=|!=|\^=|[=<>()[\],.]))/y

interface Token {
  at: number
  kind: 'word' | 'text' | 'number' | 'sign' | 'end'
  text: string
}

/** Compiles a condition. Throws a {@link FilterError} that names the character where reading failed. */
export function parseCondition(source: string): Condition {
  if (source.length > CHARACTERS_MAX)
    throw new FilterError(`A condition may have ${CHARACTERS_MAX} characters`, CHARACTERS_MAX)
  const tokens = tokensOf(source)
  let place = 0
  let tests = 0
  const peek = () => tokens[place] as Token
  const next = () => tokens[place++] as Token
  const fail = (what: string, { at, text } = peek()): never => {
    throw new FilterError(`${what} was expected${text === '' ? ', not the end' : `, not '${text.slice(0, 32)}'`}`, at)
  }
  const takes = (text: string) => {
    const { kind, text: here } = peek()
    if (here !== text || kind === 'text') return false
    place++
    return true
  }
  const need = (text: string) => takes(text) || fail(`'${text}'`)

  const condition = (depth: number): Condition => {
    const parts = [all(depth)]
    while (takes('or')) parts.push(all(depth))
    return parts.length === 1 ? (parts[0] as Condition) : (event) => parts.some((fits) => fits(event))
  }
  const all = (depth: number): Condition => {
    const parts = [one(depth)]
    while (takes('and')) parts.push(one(depth))
    return parts.length === 1 ? (parts[0] as Condition) : (event) => parts.every((fits) => fits(event))
  }
  const one = (depth: number): Condition => {
    if (depth > DEPTH_MAX) throw new FilterError(`A condition may nest ${DEPTH_MAX} deep`, peek().at)
    if (takes('not')) {
      const inner = one(depth + 1)
      return (event) => !inner(event)
    }
    if (takes('(')) {
      const inner = condition(depth + 1)
      need(')')
      return inner
    }
    if (++tests > TESTS_MAX) throw new FilterError(`A condition may have ${TESTS_MAX} tests`, peek().at)
    if (takes('exists')) {
      const read = path()
      return (event) => read(event) !== undefined
    }
    return test(path())
  }
  const path = (): Read => {
    const root = next()
    if (root.kind !== 'word' || reserved.has(root.text)) fail('data or the name of an attribute', root)
    const steps: string[] = []
    for (;;) {
      if (takes('.')) {
        const name = next()
        steps.push(name.kind === 'word' ? name.text : fail('a name', name))
      } else if (takes('[')) {
        const { kind, text, at } = next()
        if (kind === 'text') steps.push(JSON.parse(text) as string)
        else if (kind === 'number' && /^\d+$/.test(text)) steps.push(text)
        else fail('a whole number or a text', { kind, text, at })
        need(']')
      } else break
    }
    const { text: name } = root
    return name === 'data' ? (event) => walk(event.data, steps) : (event) => walk(event.attribute(name), steps)
  }
  const test = (read: Read): Condition => {
    const sign = next()
    if (sign.kind === 'word' && sign.text === 'in') {
      need('[')
      const wanted = [literal()]
      while (takes(',')) wanted.push(literal())
      need(']')
      const values = new Set<unknown>(wanted)
      return (event) => values.has(read(event))
    }
    const compare = sign.kind === 'text' ? undefined : comparisons.get(sign.text)
    if (!compare) return fail('a comparison', sign)
    const wanted = literal()
    return (event) => {
      const value = read(event)
      return value !== undefined && compare(value, wanted)
    }
  }
  const literal = (): Literal => {
    const { kind, text, at } = next()
    if (kind === 'text' || kind === 'number') return JSON.parse(text) as Literal
    if (kind === 'word' && constants.has(text)) return constants.get(text) as Literal
    return fail('a text in double quotes, a number, true, false or null', { kind, text, at })
  }

  const whole = condition(0)
  if (peek().kind !== 'end') fail('and, or, or the end')
  return whole
}

const constants = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
])
const reserved = new Set(['and', 'or', 'not', 'in', 'has', 'exists', ...constants.keys()])

const isSameKind = (a: unknown, b: Literal) => typeof a === typeof b && (typeof a === 'number' || typeof a === 'string')

const comparisons = new Map<string, (value: unknown, wanted: Literal) => boolean>([
  ['=', (value, wanted) => value === wanted],
  ['!=', (value, wanted) => value !== wanted],
  ['<', (value, wanted) => isSameKind(value, wanted) && (value as number) < (wanted as number)],
  ['<=', (value, wanted) => isSameKind(value, wanted) && (value as number) <= (wanted as number)],
  ['>', (value, wanted) => isSameKind(value, wanted) && (value as number) > (wanted as number)],
  ['>=', (value, wanted) => isSameKind(value, wanted) && (value as number) >= (wanted as number)],
  ['^=', (value, wanted) => typeof value === 'string' && typeof wanted === 'string' && value.startsWith(wanted)],
  ['has', (value, wanted) => Array.isArray(value) && value.includes(wanted)],
])

function walk(value: unknown, steps: string[]): unknown {
  let here = value
  for (const step of steps) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined
    here = (here as Record<string, unknown>)[step]
  }
  return here
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  token.lastIndex = 0
  for (let at = 0; ; ) {
    token.lastIndex = at
    const match = token.exec(source)
    if (!match) {
      const rest = source.slice(at)
      const blank = rest.length - rest.trimStart().length
      if (blank < rest.length) throw new FilterError(`'${rest.trimStart().slice(0, 16)}' cannot stand here`, at + blank)
      tokens.push({ at: source.length, kind: 'end', text: '' })
      return tokens
    }
    const [, word, text, number, sign] = match
    const found = word ?? text ?? number ?? sign ?? ''
    at = token.lastIndex
    const kind = word !== undefined ? 'word' : text !== undefined ? 'text' : number !== undefined ? 'number' : 'sign'
    if (kind === 'text' && !isJson(found)) throw new FilterError('This is no JSON text', at - found.length)
    tokens.push({ at: at - found.length, kind, text: found })
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
