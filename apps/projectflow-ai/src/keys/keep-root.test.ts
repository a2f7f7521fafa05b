import { expect, test } from 'bun:test'
import { memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { systemClock as clock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import { Fault } from '@santaclaude/service/faults'
import { quietHost } from '@santaclaude/service/host'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { Secret } from '@santaclaude/service/secret'
import { keepRoot } from './keep-root.ts'

const key = new Secret(`sc_${'R'.repeat(12)}_${'a'.repeat(32)}`)
const host = quietHost('projectflow-ai')

function store() {
  const keys = keysInMemory()
  const state = { isAway: false, asked: 0 }
  return {
    state,
    keys: {
      ...keys,
      find: (id: string) => {
        state.asked++
        return state.isAway ? Promise.reject(new Fault('store_unavailable')) : keys.find(id)
      },
    },
  }
}
const isReady = (root: { ready(): Promise<void> }) =>
  root.ready().then(
    () => true,
    () => false,
  )
async function until(holds: () => boolean | Promise<boolean>) {
  while (!(await holds())) await pause(1)
}

test('a store that is away at the start gets the root key once it is back, and only then is it ready', async () => {
  const { keys, state } = store()
  state.isAway = true
  const root = keepRoot({ keys, audit: memoryRecorder(), clock, host }, key)
  await until(() => state.asked >= 2)
  expect(await isReady(root)).toBe(false)
  state.isAway = false
  await until(() => isReady(root))
  expect((await keys.find('R'.repeat(12)))?.name).toBe('root')
  await root.close()
})

test('closing ends the attempts', async () => {
  const { keys, state } = store()
  state.isAway = true
  await keepRoot({ keys, audit: memoryRecorder(), clock, host }, key).close()
  expect(state.asked).toBe(1)
})

test('a text that is no key is never ready, and not tried again', async () => {
  const { keys, state } = store()
  const root = keepRoot({ keys, audit: memoryRecorder(), clock, host }, new Secret('nonsense'))
  expect(await isReady(root)).toBe(false)
  await root.close()
  expect(state.asked).toBe(0)
})

test('without a root key there is nothing to wait for', async () => {
  const { keys } = store()
  expect(await isReady(keepRoot({ keys, audit: memoryRecorder(), clock, host }, undefined))).toBe(true)
})
