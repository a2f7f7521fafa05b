import { expect, test } from 'bun:test'
import { base62Random, hexRandom, isUuid, uuidv7 } from './ids.ts'

test('a UUIDv7 has version, variant and the time it was made', () => {
  const nowMs = Date.now() + 60_000
  const id = uuidv7(nowMs)
  expect(isUuid(id)).toBe(true)
  expect(id[14]).toBe('7')
  expect('89ab').toContain(id[19] as string)
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs)
})

test('ids of one process strictly increase, past the counter and when the clock steps back', () => {
  const nowMs = Date.now() + 120_000
  const ids = [...Array.from({ length: 10_000 }, () => uuidv7(nowMs)), uuidv7(nowMs - 50_000)]
  expect(ids.every((id, i) => i === 0 || id > (ids[i - 1] as string))).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
})

test('random texts have the length and alphabet asked for, and do not repeat', () => {
  for (const length of [1, 15, 16, 31, 32]) expect(hexRandom(length)).toMatch(new RegExp(`^[0-9a-f]{${length}}$`))
  expect(base62Random(32)).toMatch(/^[0-9A-Za-z]{32}$/)
  expect(new Set(Array.from({ length: 5_000 }, () => hexRandom(16))).size).toBe(5_000)
  expect(new Set(Array.from({ length: 5_000 }, () => base62Random(12))).size).toBe(5_000)
})
