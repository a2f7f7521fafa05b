import { expect, test } from 'bun:test'
import { conflictsBetween } from './compatible.ts'
import { compileSchema, SchemaError } from './compile.ts'
import { misfitsOf, type Schema } from './judge.ts'

const misfits = (schema: unknown) => misfitsOf(schema).map(({ path, message }) => `${path} ${message}`)

test('what would let a schema reach out, or run for ever, is refused by name', () => {
  expect(misfits({ $ref: 'https://example.com/schema' })[0]).toContain('/$ref must be a reference within')
  expect(misfits({ $ref: 'other.json#/a' })[0]).toContain('/$ref must be a reference within')
  expect(misfits({ $id: 'https://example.com/' })).toEqual(['/$id is not supported'])
  expect(misfits({ properties: { a: { $dynamicRef: '#x' } } })).toEqual(['/properties/a/$dynamicRef is not supported'])
  expect(misfits({ $schema: 'http://json-schema.org/draft-07/schema#' })[0]).toContain('/$schema must be draft 2020-12')
  expect(misfits({ properties: { child: { $ref: '#' } } })).toEqual([
    '/properties/child/$ref must not lead back to itself',
  ])
  const circle = {
    $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { items: { $ref: '#/$defs/a' } } },
    $ref: '#/$defs/a',
  }
  expect(misfits(circle).join()).toContain('must not lead back to itself')
  expect(misfits({ $ref: '#/$defs/none' })).toEqual(['/$ref leads nowhere'])
  expect(misfits({ uniqueItems: true })[0]).toContain('/uniqueItems needs maxItems')
  expect(misfits({ pattern: 'a'.repeat(513) })[0]).toContain('/pattern must be at most')
  expect(misfits({ description: 'x'.repeat(70_000) })[0]).toContain('must be at most 65536')
  expect(misfits('text')).toEqual([' must be an object or a boolean'])
  expect(misfits({ items: [1] })[0]).toContain('/items must be an object')
})

test('a small schema that unfolds into a huge one is refused', () => {
  const $defs: Record<string, unknown> = { d20: { type: 'string' } }
  for (let n = 0; n < 20; n++)
    $defs[`d${n}`] = { anyOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] }
  expect(misfits({ $defs, $ref: '#/$defs/d0' })).toEqual([
    ' must have at most 10000 places with every reference followed',
  ])
})

test('a good schema passes, with references, values that look like schemas, and names with slashes', () => {
  const good = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: { money: { type: 'integer', minimum: 0 }, 'a/b': true },
    properties: { total: { $ref: '#/$defs/money' }, other: { $ref: '#/$defs/a~1b' }, $ref: { const: { $ref: 7 } } },
  }
  expect(misfits(good)).toEqual([])
})

const order: Schema = {
  type: 'object',
  required: ['order'],
  properties: { order: { type: 'integer' }, note: { type: 'string', pattern: '^[a-z]+$' } },
}

test('data is checked, and the first misfit is named by a pointer into it', async () => {
  const check = await compileSchema(order)
  expect(check({ order: 1 })).toBeUndefined()
  expect(check({ order: 'x' })).toEqual({ path: '/order', message: 'must be integer' })
  expect(check({ order: 1, note: 'A' })?.path).toBe('/note')
  expect(check({})).toEqual({ path: '', message: "must have required property 'order'" })
})

test('a pattern that would take for ever elsewhere is done at once', async () => {
  const check = await compileSchema({ type: 'string', pattern: '^(a+)+$' })
  expect(check(`${'a'.repeat(50_000)}!`)?.message).toContain('pattern')
})

test('what is no draft 2020-12, or no pattern of RE2, is told', async () => {
  const said = async (schema: Schema) => compileSchema(schema).catch((error) => error)
  expect((await said({ type: 'text' })) as SchemaError).toMatchObject({ error: { path: '/type' } })
  expect(await said({ pattern: '(?=x)' })).toBeInstanceOf(SchemaError)
})

const closed = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }
const object = (properties: Record<string, Schema>, more: Record<string, unknown> = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
})
type Case = [what: string, older: Schema, newer: Schema, backward: boolean, forward: boolean]
const cases: Case[] = [
  ['nothing changed', order, order, true, true],
  ['an optional property added', object({}), object({ a: { type: 'string' } }), true, true],
  ['an optional property removed', object({ a: { type: 'string' } }), object({}), true, true],
  ['a required property added', object({}), object({ a: true }, { required: ['a'] }), false, true],
  ['a required property made optional', object({ a: true }, { required: ['a'] }), object({ a: true }), true, false],
  ['a type widened', object({ a: { type: 'integer' } }), object({ a: { type: 'number' } }), true, false],
  ['a type changed', object({ a: { type: 'string' } }), object({ a: { type: 'integer' } }), false, false],
  ['null let in', object({ a: { type: 'string' } }), object({ a: { type: ['string', 'null'] } }), true, false],
  ['an enum value added', { enum: ['a'] }, { enum: ['a', 'b'] }, true, false],
  ['a const freed', { const: 1 }, { type: 'integer' }, true, false],
  ['a bound loosened', { maxLength: 5 }, { maxLength: 9 }, true, false],
  ['a bound added', { type: 'integer' }, { type: 'integer', minimum: 0 }, false, true],
  ['a length of nothing asked for', { type: 'string' }, { type: 'string', minLength: 0 }, true, true],
  ['a coarser step', { multipleOf: 2 }, { multipleOf: 4 }, false, true],
  ['an object closed', object({ a: true }), object({ a: true }, { additionalProperties: false }), false, true],
  [
    'a property added to a closed object',
    closed,
    object({ a: { type: 'string' }, b: true }, { additionalProperties: false }),
    true,
    false,
  ],
  [
    'a typed property in an object open on purpose',
    object({}, { additionalProperties: true }),
    object({ a: { type: 'string' } }),
    false,
    true,
  ],
  ['a pattern added', { type: 'string' }, { type: 'string', pattern: 'x' }, false, true],
  ['a pattern changed', { pattern: 'x' }, { pattern: 'y' }, false, false],
  ['items narrowed', { items: { type: 'number' } }, { items: { type: 'integer' } }, false, true],
  [
    'a reference to something else of one name',
    { $defs: { x: { type: 'string' } }, anyOf: [{ $ref: '#/$defs/x' }] },
    { $defs: { x: { type: 'null' } }, anyOf: [{ $ref: '#/$defs/x' }] },
    false,
    false,
  ],
  [
    'a reference in place of the thing',
    { $defs: { x: { type: 'string' } }, $ref: '#/$defs/x' },
    { type: 'string', title: 'X' },
    true,
    true,
  ],
  [
    'a bound beside a reference',
    { minLength: 1 },
    { $defs: { x: { minLength: 5 } }, $ref: '#/$defs/x', minLength: 1 },
    false,
    true,
  ],
  [
    'patterns of names changed',
    { patternProperties: { '^a': { type: 'string' } } },
    { patternProperties: { '^a': { type: 'null' } } },
    false,
    false,
  ],
  ['everything let in', order, true, true, false],
  ['nothing let in', order, false, false, true],
]
test.each(cases)('%s', (_what, older, newer, backward, forward) => {
  const fits = (wanted: 'backward' | 'forward' | 'full') => conflictsBetween(older, newer, wanted).length === 0
  expect({ backward: fits('backward'), forward: fits('forward'), full: fits('full') }).toEqual({
    ...{ backward, forward, full: backward && forward },
  })
})
