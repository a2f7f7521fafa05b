import { expect, test } from 'bun:test'
import { sealer } from './sealing.ts'

const { seal, unseal } = sealer('pepper', 'test')

test('a sealed text opens again, and shows nothing of itself', () => {
  const sealed = seal('a', 'a secret ü')
  expect(unseal('a', sealed)).toBe('a secret ü')
  expect(Buffer.from(sealed, 'base64').toString()).not.toContain('secret')
  expect(seal('a', 'a secret ü')).not.toBe(sealed)
})

test('it does not open for another place, under another pepper or purpose, or when it was changed', () => {
  const sealed = seal('a', 'text')
  expect(() => unseal('b', sealed)).toThrow()
  expect(() => sealer('other', 'test').unseal('a', sealed)).toThrow()
  expect(() => sealer('pepper', 'other').unseal('a', sealed)).toThrow()
  const bytes = Buffer.from(sealed, 'base64')
  for (const at of [0, 12, bytes.length - 1]) {
    const bent = Buffer.from(bytes)
    bent[at] = (bent[at] as number) ^ 1
    expect(() => unseal('a', bent.toString('base64'))).toThrow()
  }
  expect(() => unseal('a', '')).toThrow()
})
