import { expect, test } from 'bun:test'
import { CanonicalError, canonicalBytes, canonicalJson } from './canonical.ts'

/** RFC 8785 appendix B: the bits of an IEEE 754 double, and its text. */
const numbers: [string, string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
]

test.each(numbers)('the double %s is written %s', (bits, written) => {
  expect(canonicalJson(double(bits))).toBe(written)
})

test.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])('the double %s is refused', (bits) => {
  expect(() => canonicalJson({ a: [double(bits)] })).toThrow(
    new CanonicalError('/a/0', `${double(bits)} is not a JSON number`),
  )
})

test('the sample of RFC 8785 §3.2.2 has the bytes printed in §3.2.4', () => {
  const sample = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`)
  const bytes =
    '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d'
  expect(Buffer.from(canonicalBytes(sample)).toString('hex')).toBe(bytes)
})

test('keys are sorted by UTF-16 code units, as in RFC 8785 §3.2.3', () => {
  const sample = JSON.parse(String.raw`{
    "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
  }`)
  expect([...canonicalJson(sample).matchAll(/:"([^"]+)"/g)].map((match) => match[1])).toEqual([
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ])
})

test('integer-like keys are sorted as text, at every level', () => {
  expect(canonicalJson({ 9: 1, 10: { b: 1, 2: 1, 11: [{ z: 1, a: 2 }] } })).toBe(
    '{"10":{"11":[{"a":2,"z":1}],"2":1,"b":1},"9":1}',
  )
})

test('an own __proto__ member is kept like any other', () => {
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1},"b":1}')
})

test('undefined members are left out, undefined items are refused', () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  expect(() => canonicalJson([undefined])).toThrow(CanonicalError)
})

test.each([
  ['a lone surrogate in a value', { a: { 'b/~': '\ud800' } }, '/a/b~1~0'],
  ['a lone surrogate in a key', { '\udead': 1 }, '/\udead'],
  ['a date', { at: new Date(0) }, '/at'],
  ['a big integer', { n: 1n }, '/n'],
  ['a map', new Map(), ''],
])('%s is refused with its place', (_, value, path) => {
  expect(refusalOf(value)?.path).toBe(path)
})

test('64 levels pass and 65 are refused, before the stack is', () => {
  expect(canonicalJson(nested(64))).toHaveLength(128)
  expect(refusalOf(nested(65))?.reason).toContain('deeper')
  expect(refusalOf(nested(100_000))?.reason).toContain('deeper')
})

test('canonical text reads back to the same canonical text', () => {
  const value = { z: [1e21, -0, 'ß\u2028'], a: { '': null, '\u0000': true } }
  expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value))
})

const double = (bits: string) => Buffer.from(bits, 'hex').readDoubleBE()

function nested(levels: number): unknown {
  let value: unknown[] = []
  for (let level = 1; level < levels; level++) value = [value]
  return value
}

function refusalOf(value: unknown): CanonicalError | undefined {
  try {
    canonicalJson(value)
  } catch (error) {
    if (error instanceof CanonicalError) return error
    throw error
  }
}
