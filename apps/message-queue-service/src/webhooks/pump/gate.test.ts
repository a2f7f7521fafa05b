import { expect, test } from 'bun:test'
import { ManualClock } from '@santaclaude/kit/clock'
import { circuitLimits } from '../breaker.ts'
import type { Condition } from '../store/port.ts'
import { Gate } from './gate.ts'

const never = new AbortController().signal
const bad = { isSuccess: false, holdMs: 0 }
const good = { isSuccess: true, holdMs: 0 }

function gateOf(concurrency = 4, condition?: Condition) {
  const clock = new ManualClock()
  const changes: Condition[] = []
  const gate = new Gate({ concurrency, clock, limits: circuitLimits, condition, onChange: (now) => changes.push(now) })
  return { gate, clock, changes }
}
const fail = async (gate: Gate, times: number) => {
  for (let n = 0; n < times; n++) {
    await gate.enter(never)
    gate.leave(bad)
  }
}

test('it lets in as many as the endpoint wants, the others in the order they came', async () => {
  const { gate } = gateOf(2)
  const came: number[] = []
  const all = [1, 2, 3, 4].map((n) => gate.enter(never).then((word) => word === 'go' && came.push(n)))
  await Promise.resolve()
  expect([came, gate.free()]).toEqual([[1, 2], 0])
  gate.leave(good)
  gate.leave(good)
  await Promise.all(all)
  expect(came).toEqual([1, 2, 3, 4])
  gate.leave()
  expect(gate.free()).toBe(1)
})

test('when the circuit opens, those in line go back, and after it one may try', async () => {
  const { gate, clock } = gateOf(1)
  await fail(gate, 9)
  expect(await gate.enter(never)).toBe('go')
  const waiting = gate.enter(never)
  gate.leave(bad)
  expect(await waiting).toBe('shut')
  expect(await gate.enter(never)).toBe('shut')
  expect([gate.free(), gate.shutMs() > 0]).toEqual([0, true])
  clock.advance(5_000)
  gate.concurrency = 8
  expect(gate.free()).toBe(1)
  expect(await gate.enter(never)).toBe('go')
  expect(gate.free()).toBe(0)
  gate.leave(good)
  expect(gate.free()).toBe(8)
})

test('a hold shuts it for as long as the endpoint asked, and says nothing about its health', async () => {
  const { gate, clock, changes } = gateOf()
  await gate.enter(never)
  gate.leave({ isSuccess: false, holdMs: 7_000 })
  expect(gate.shutMs()).toBe(7_000)
  expect(changes.at(-1)).toMatchObject({ failures: 0, openUntilMs: null })
  clock.advance(7_000)
  expect(gate.free()).toBe(4)
})

test('a trouble of our own holds it, and is not held against the endpoint', async () => {
  const { gate } = gateOf()
  await gate.enter(never)
  gate.leave({ isSuccess: null, holdMs: 2_000 })
  expect(gate.condition).toMatchObject({ failures: 0, failingSinceMs: null })
  expect(gate.shutMs()).toBe(2_000)
})

test('since when it fails is known until it succeeds', async () => {
  const { gate, clock } = gateOf()
  await fail(gate, 1)
  const since = clock.now()
  clock.advance(1_000)
  await fail(gate, 1)
  expect(gate.condition.failingSinceMs).toBe(since)
  await gate.enter(never)
  gate.leave(good)
  expect(gate.condition.failingSinceMs).toBeNull()
})

test('the next owner goes on from what the last one knew', async () => {
  const first = gateOf()
  await fail(first.gate, 10)
  const { gate } = gateOf(4, first.gate.condition)
  expect(gate.free()).toBe(0)
  gate.reset()
  expect(gate.free()).toBe(4)
})

test('success after success changes nothing worth keeping', async () => {
  const { gate, changes } = gateOf()
  for (let n = 0; n < 5; n++) {
    await gate.enter(never)
    gate.leave(good)
  }
  expect(changes).toEqual([])
})

test('whoever waits for room leaves when it is stopped, and its place in line with it', async () => {
  const { gate } = gateOf(1)
  await gate.enter(never)
  const stopping = new AbortController()
  const [inLine, opening] = [gate.enter(stopping.signal), gate.open(stopping.signal)]
  stopping.abort()
  expect(await inLine).toBe('shut')
  await opening
  gate.leave(good)
  expect(gate.free()).toBe(1)
})

test('whoever waits for it to open again is not forgotten when time passes between two looks at the clock', async () => {
  let ticks = 0
  const clock = { now: () => ticks++ }
  const nearlyOver = { failures: 10, trips: 1, holdUntilMs: null, failingSinceMs: 0, atMs: 0 }
  for (let openUntilMs = 0; openUntilMs < 12; openUntilMs++) {
    ticks = 0
    const condition = { ...nearlyOver, openUntilMs }
    await new Gate({ concurrency: 1, clock, limits: circuitLimits, condition, onChange: () => {} }).open(never)
  }
})
