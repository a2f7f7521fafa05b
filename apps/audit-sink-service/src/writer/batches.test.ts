import { expect, test } from 'bun:test'
import type { LogEntry } from '@santaclaude/log/port'
import { type Batch, batchCharsMax, batchEntriesMax, beforeSlot, Cutter } from './batches.ts'

const entry = (streamId: string, dataJson = '{}'): LogEntry => ({
  partition: 0,
  streamId,
  event: { id: streamId, source: '/test', type: 'audit.record.made', attributesJson: '{}', dataJson },
})
const spans = (batches: Batch[]) => batches.map(({ first, last, entries }) => `${first}…${last} (${entries.length})`)
const cut = (entries: LogEntry[], nowMs: number) => {
  const cutter = new Cutter()
  return spans([...entries.flatMap((one) => cutter.add(one)), ...cutter.close(nowMs)])
}

test('a batch ends with its slot of log time, and the last one only when its slot is over', () => {
  const entries = ['1000-0', '1499-0', '1499-1', '1500-0', '3000-0'].map((id) => entry(id))
  const closed = ['1000-0…1499-1 (3)', '1500-0…1500-0 (1)']
  expect(cut(entries, 3499)).toEqual(closed)
  expect(cut(entries, 3500)).toEqual([...closed, '3000-0…3000-0 (1)'])
})

test('a full batch ends before its slot does: by count', () => {
  const entries = Array.from({ length: batchEntriesMax + 1 }, (_, seq) => entry(`1000-${seq}`))
  expect(cut(entries, 1000)).toEqual([`1000-0…1000-${batchEntriesMax - 1} (${batchEntriesMax})`])
})

test('a full batch ends before its slot does: by size', () => {
  const third = 'x'.repeat(Math.ceil(batchCharsMax / 3))
  const entries = [0, 1, 2, 3].map((seq) => entry(`1000-${seq}`, third))
  expect(cut(entries, 1500)).toEqual(['1000-0…1000-2 (3)', '1000-3…1000-3 (1)'])
})

test('the cut is the same wherever reading starts, as long as it starts with a slot', () => {
  const entries = Array.from({ length: 400 }, (_, n) => entry(`${1_000_000 + n * 37}-${n % 3}`))
  const whole = cut(entries, 9e15)
  for (const at of [3, 57, 399]) {
    const after = beforeSlot(entries[at]?.streamId ?? '')
    const [ms = ''] = after.split('-')
    const rest = cut(
      entries.filter(({ streamId }) => Number(streamId.split('-')[0]) > Number(ms)),
      9e15,
    )
    expect(whole.slice(-rest.length)).toEqual(rest)
  }
})

test('reading begins before the slot of the place that is known', () => {
  expect(beforeSlot('1499-7')).toBe('999-18446744073709551615')
  expect(beforeSlot('1500-0')).toBe('1499-18446744073709551615')
  expect(beforeSlot('7-0')).toBe('0-0')
})
