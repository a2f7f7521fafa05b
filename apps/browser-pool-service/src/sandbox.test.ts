import { expect, test } from 'bun:test'
import { quietLogger } from '@santaclaude/service/log'
import { sandboxed } from './sandbox.ts'

function decide(wanted: 'auto' | 'true' | 'false', uid: number | undefined) {
  const warned: unknown[] = []
  const isOn = sandboxed(wanted, { uid, log: { ...quietLogger, warn: (_, fields) => warned.push(fields?.why) } })
  return [isOn, warned.length]
}

test('the sandbox is on for everybody but root, and never goes off without a line in the log', () => {
  expect(decide('auto', 1000)).toEqual([true, 0])
  expect(decide('auto', undefined)).toEqual([true, 0])
  expect(decide('auto', 0)).toEqual([false, 1])
  expect(decide('false', 1000)).toEqual([false, 1])
})

test('asked for by name it stays on, also where it cannot work: then no browser starts, and that is said', () => {
  expect(decide('true', 0)).toEqual([true, 0])
})
