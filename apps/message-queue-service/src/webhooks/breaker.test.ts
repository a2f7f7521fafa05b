import { expect, test } from 'bun:test'
import { type Circuit, circuitAfter, circuitLimits, closedCircuit, stateOf } from './breaker.ts'

const { failuresMax } = circuitLimits

const nowMs = 1_000_000
const random = () => 0.999_999
const after = (circuit: Circuit, isSuccess: boolean, at = nowMs) =>
  circuitAfter(circuit, { isSuccess, nowMs: at, random })
const failing = (times: number, at = nowMs) =>
  Array.from({ length: times }).reduce<Circuit>((circuit) => after(circuit, false, at), closedCircuit)

test('it stays closed until failures come in a row', () => {
  expect(stateOf(failing(failuresMax - 1), nowMs)).toEqual({ state: 'closed' })
  expect(stateOf(after(failing(failuresMax - 1), true), nowMs)).toEqual({ state: 'closed' })
  expect(after(failing(failuresMax - 1), true)).toEqual(closedCircuit)
})

test('it opens, then lets one probe through, and a success closes it', () => {
  const open = failing(failuresMax)
  const state = stateOf(open, nowMs)
  expect(state.state).toBe('open')
  expect((state as { waitMs: number }).waitMs).toBeWithin(2_500, 5_001)
  expect(stateOf(open, nowMs + 5_000)).toEqual({ state: 'half-open' })
  expect(after(open, true, nowMs + 5_000)).toEqual(closedCircuit)
})

test('each failed probe opens it for longer, up to five minutes', () => {
  let circuit = failing(failuresMax)
  let at = nowMs
  const waits = Array.from({ length: 9 }, () => {
    const state = stateOf(circuit, at)
    if (state.state !== 'open') throw new Error('should be open')
    at += state.waitMs
    circuit = after(circuit, false, at)
    return Math.round(state.waitMs / 100) * 100
  })
  expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
})

test('jitter takes away half at most', () => {
  const circuit = circuitAfter(failing(failuresMax - 1), { isSuccess: false, nowMs, random: () => 0 })
  expect(stateOf(circuit, nowMs)).toEqual({ state: 'open', waitMs: 2_500 })
})

test('failures that were under way when it opened do not open it for longer; a late success closes it', () => {
  const open = failing(failuresMax)
  const later = after(after(open, false), false)
  expect(later).toEqual({ ...open, failures: failuresMax + 2 })
  expect(after(later, true)).toEqual(closedCircuit)
})
