import { expect, test } from 'bun:test'
import { typeFilter, typePattern } from './filter.ts'

test.each([
  [[], 'anything', true],
  [['*'], 'anything', true],
  [['ai.call.completed'], 'ai.call.completed', true],
  [['ai.call.completed'], 'ai.call.completed.twice', false],
  [['ai.call'], 'ai.call.completed', false],
  [['ai.*'], 'ai.call.completed', true],
  [['ai.*'], 'ai.x', true],
  [['ai.*'], 'ai', false],
  [['ai.*'], 'aim.taken', false],
  [['ai.call.*', 'browser.session.closed'], 'browser.session.closed', true],
  [['ai.call.*', 'browser.session.closed'], 'browser.session.opened', false],
  [['AI.*'], 'ai.x', false],
])('%p wants %s: %p', (patterns, type, wants) => {
  expect(typeFilter(patterns)(type)).toBe(wants)
})

test.each([
  ['*', true],
  ['ai.*', true],
  ['ai.call.completed', true],
  ['com.example/thing:1', true],
  ['ai.*.completed', false],
  ['ai*', false],
  ['.*', false],
  ['', false],
  ['a b', false],
])('%p is a pattern: %p', (pattern, is) => {
  expect(new RegExp(typePattern).test(pattern)).toBe(is)
})
