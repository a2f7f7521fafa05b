import { expect, test } from 'bun:test'
import { elementsOf, memberOf } from './raw-json.ts'

const seed = 7_919

/** Numbers from a seed, each below the bound: the Lehmer generator of Park and Miller. */
function randomOf(first: number) {
  let state = first
  return (below: number) => {
    state = (state * 48_271) % 0x7fffffff
    return state % below
  }
}

const pieces = ['"', '\\', '[', ']', '{', '}', ',', ':', ' ', 'a', 'é', '\n', '😀', 'data', '\\"']

test('texts are cut where JSON.parse sees their parts, whatever they hold and however they are spaced', () => {
  const random = randomOf(seed)
  const space = () => ' \n\t\r'.slice(random(5)).slice(0, random(3))
  const word = () => Array.from({ length: random(6) }, () => pieces[random(pieces.length)]).join('')
  const write = (depth: number): string => {
    const kind = random(depth > 3 ? 3 : 5)
    if (kind === 0) return JSON.stringify(word())
    if (kind === 1) return ['0', '-1.50e+3', '12345678901234567890', 'true', 'false', 'null'][random(6)] as string
    if (kind === 2) return ['""', '[]', '{}', '"\\u005c"', '"\\\\"'][random(5)] as string
    const parts = Array.from({ length: random(4) }, () => {
      const value = `${space()}${write(depth + 1)}${space()}`
      return kind === 3 ? value : `${space()}${JSON.stringify(random(3) === 0 ? 'data' : word())}${space()}:${value}`
    })
    return kind === 3 ? `[${space()}${parts.join(',')}]` : `{${space()}${parts.join(',')}}`
  }
  for (let n = 0; n < 20_000; n++) {
    const text = `${space()}${write(0)}${space()}`
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) {
      const elements = elementsOf(text)
      expect([seed, text, elements.map((element) => JSON.parse(element))]).toEqual([seed, text, value])
      for (const element of elements) expect(text).toContain(element)
    } else if (typeof value === 'object' && value !== null) {
      const data = memberOf(text, 'data')
      expect([seed, text, data && JSON.parse(data)]).toEqual([seed, text, (value as { data?: unknown }).data])
    }
  }
})

test('what was given is handed on byte for byte', () => {
  const text = '{"a":[1.0 , 2e0],"data" : {"big":12345678901234567890, "x":"\\u00e9"} ,"b":null}'
  expect(memberOf(text, 'data')).toBe('{"big":12345678901234567890, "x":"\\u00e9"}')
  expect(elementsOf('[ 1.0 ,{"a": 1}, "]" ]')).toEqual(['1.0', '{"a": 1}', '"]"'])
})
