import { expect, test } from 'bun:test'
import { check, type RuleName, rules } from './check.ts'
import type { Act, Frame, History, Publish, Pull, Settle } from './history.ts'

const at = { tenant: 'ada', topic: 'orders' }
const group = { ...at, group: 'workers' }

const publish = (startMs: number, id: string, place: string, more: Partial<Publish> = {}): Publish => ({
  ...{ kind: 'publish', ...at, startMs, endMs: startMs + 1, outcome: 'ok', ids: [id] },
  results: [{ place, isDuplicate: false }],
  ...more,
})
const pull = (startMs: number, id: string, place: string, n = 1, more: Partial<Pull> = {}): Pull => ({
  ...{ kind: 'pull', ...group, startMs, endMs: startMs + 1, outcome: 'ok', waitMs: 0 },
  deliveries: [{ id, place, n, receipt: `${place}.${n}` }],
  ...more,
})
const settle = (startMs: number, receipt: string, item: Partial<Settle['items'][number]> = {}): Settle => ({
  ...{ kind: 'settle', ...group, startMs, endMs: startMs + 1, outcome: 'ok' },
  items: [{ receipt, op: 'ack', result: 'ok', ...item }],
})
const line = (startMs: number, more: Pick<Frame, 'entry' | 'gap'>): Frame => ({
  ...{ kind: 'frame', ...at, startMs, endMs: startMs, session: 'reader' },
  ...more,
})
const frame = (startMs: number, id: string, place: string) => line(startMs, { entry: { id, place } })
const vainWait = (startMs: number, waitMs: number): Pull =>
  pull(startMs, '', '', 1, { deliveries: [], waitMs, endMs: startMs + waitMs })

/** Three events: one acked, one acked at its second delivery, one dead; all read live. */
function sound(): History {
  const entries = [
    { id: 'a', place: '0/1-0' },
    { id: 'b', place: '0/2-0' },
    { id: 'c', place: '0/3-0' },
  ]
  return {
    seed: 0,
    topics: [{ ...at, keepsAll: true }],
    groups: [{ ...group, leaseMs: 1_000, deliveriesMax: 3, ordering: 'none', isSteady: true }],
    acts: [
      publish(0, 'a', '0/1-0', { partitionkey: 'k' }),
      publish(10, 'b', '0/2-0', { partitionkey: 'k' }),
      publish(20, 'b', '0/2-0', { partitionkey: 'k', results: [{ place: '0/2-0', isDuplicate: true }] }),
      publish(30, 'c', '0/3-0'),
      publish(40, 'd', '', { outcome: 'refused', results: [], code: 'storage_full' }),
      ...entries.map(({ id, place }, n) => frame(50 + n, id, place)),
      pull(100, 'a', '0/1-0'),
      settle(110, '0/1-0.1'),
      pull(120, 'b', '0/2-0'),
      settle(130, '0/2-0.1', { op: 'nack', delayMs: 50 }),
      pull(190, 'b', '0/2-0', 2),
      settle(200, '0/2-0.2'),
      pull(210, 'c', '0/3-0'),
      settle(220, '0/3-0.1', { op: 'term', result: 'dead' }),
      { kind: 'recovery', startMs: 300, endMs: 900, after: 'kill9 redis' },
      { kind: 'said', tenant: 'ada', startMs: 300, endMs: 301, text: 'no topic orders' },
    ],
    faults: [],
    end: {
      topics: [{ ...at, entries }],
      groups: [
        {
          ...group,
          lag: { ready: 0, leased: 0, parked: 0, dead: 1 },
          deadLetters: [{ id: 'c', place: '0/3-0' }],
        },
      ],
    },
  }
}

const broken = (history: History) => [...new Set(check(history).map(({ rule }) => rule))]
const changed = (change: (history: History) => void): History => {
  const history = sound()
  change(history)
  return history
}
const drop = (history: History, isMeant: (act: Act) => boolean) => {
  history.acts = history.acts.filter((act) => !isMeant(act))
}
const add = (history: History, ...acts: Act[]) => history.acts.push(...acts)
const lose = (history: History, id: string) => {
  for (const end of history.end.topics) end.entries = end.entries.filter((entry) => entry.id !== id)
}

test('a sound history breaks nothing', () => expect(check(sound())).toEqual([]))

/** For each rule, histories that it must refuse. */
const unsound: Record<RuleName, Record<string, (history: History) => void>> = {
  S1: {
    'an acknowledged event is gone': (history) => lose(history, 'a'),
    'a delayed event never came': (history) => add(history, publish(50, 'e', '', { delayMs: 100, results: [] })),
    'it was lost before the fault that could have lost it': (history) => {
      lose(history, 'a')
      history.faults.push({ name: 'flush', startMs: -20, endMs: -10, loses: 'all' })
    },
    'a cut tail took an old event and left a newer one': (history) => {
      lose(history, 'a')
      history.faults.push({ name: 'cut', startMs: 400, endMs: 410, loses: 'tail' })
    },
  },
  S2: {
    'an event is delivered that nobody sent': (history) => add(history, frame(60, 'ghost', '0/9-0')),
    'a refused event is there': (history) => add(history, frame(60, 'd', '0/9-0')),
  },
  S3: {
    'a retry made a second entry': (history) => add(history, publish(25, 'b', '0/4-0')),
    'a retry was told it is new': (history) => add(history, publish(25, 'b', '0/2-0')),
    'an unknown publish came twice': (history) =>
      add(
        history,
        publish(25, 'e', '', { outcome: 'unknown', results: [] }),
        frame(60, 'e', '0/4-0'),
        pull(61, 'e', '0/5-0'),
      ),
  },
  S4: {
    'a later publish got a lower id': (history) => add(history, publish(50, 'e', '0/2-5')),
    'a page falls back': (history) => history.end.topics[0]?.entries.reverse(),
    'a stream falls back': (history) => add(history, frame(70, 'a', '0/1-0')),
    'a batch got its ids the wrong way round': (history) =>
      add(
        history,
        publish(50, 'e', '', {
          ids: ['e', 'f'],
          results: [
            { place: '0/9-1', isDuplicate: false },
            { place: '0/9-0', isDuplicate: false },
          ],
        }),
      ),
  },
  S5: {
    'one key in two partitions': (history) => add(history, publish(50, 'e', '1/9-0', { partitionkey: 'k' })),
    'a later event of a key first': (history) => {
      for (const fact of history.groups) fact.ordering = 'key'
      drop(history, (act) => act.kind === 'pull' && act.startMs === 100)
      add(history, pull(250, 'a', '0/1-0'))
    },
    'two of one key leased at once': (history) => {
      for (const fact of history.groups) fact.ordering = 'key'
      drop(history, (act) => act.kind === 'settle' && act.startMs === 110)
      add(history, settle(205, '0/1-0.1'))
    },
  },
  S6: {
    'an event was never settled': (history) => drop(history, (act) => act.kind === 'settle' && act.startMs === 110),
    'the only ack came too late': (history) => {
      drop(history, (act) => act.kind === 'settle' && act.startMs === 110)
      add(history, settle(230, '0/1-0.1', { result: 'lost' }))
    },
    'the counts do not add up': (history) => {
      for (const end of history.end.groups) end.lag.dead = 2
    },
    'something is still parked': (history) => {
      for (const end of history.end.groups) end.lag.parked = 1
    },
  },
  S7: {
    'again while the lease ran': (history) => drop(history, (act) => act.kind === 'settle' && act.startMs === 130),
    'again before the delay was over': (history) => add(history, settle(205, '0/2-0.2'), pull(150, 'b', '0/2-0', 2)),
    'again after an ack': (history) => add(history, pull(5_000, 'a', '0/1-0', 2)),
    'more often than allowed': (history) =>
      add(history, ...[2, 3, 4].map((n) => pull(2_000 * n, 'c', '0/3-0', n, { endMs: 2_000 * n }))),
  },
  S8: {
    'the first receipt acks after the second delivery': (history) => {
      drop(history, (act) => act.kind === 'settle' && act.startMs === 200)
      add(history, settle(200, '0/2-0.1'))
    },
    'one receipt is accepted twice': (history) => add(history, settle(115, '0/1-0.1')),
    'one receipt is given out twice': (history) => add(history, pull(5_000, 'c', '0/3-0', 1)),
  },
  S9: {
    'acked and dead': (history) => history.end.groups[0]?.deadLetters.push({ id: 'a', place: '0/1-0' }),
    'dead twice': (history) => history.end.groups[0]?.deadLetters.push({ id: 'c', place: '0/3-0' }),
    'said to be dead and nowhere': (history) => history.end.groups[0]?.deadLetters.pop(),
  },
  S10: {
    'one skipped': (history) => drop(history, (act) => act.kind === 'frame' && act.entry?.id === 'b'),
    'one twice': (history) => add(history, frame(70, 'c', '0/3-0')),
    'a gap that does not cover it': (history) => {
      drop(history, (act) => act.kind === 'frame' && act.entry?.id === 'b')
      const gap = { partition: 0, from: '2-0', to: '3-0', isNewEpoch: false }
      add(history, line(60, { gap }))
    },
  },
  S11: {
    'retention took what was not settled': (history) => {
      for (const fact of history.topics) fact.keepsAll = false
      drop(history, (act) => act.kind === 'settle' && act.startMs === 110)
      lose(history, 'a')
    },
  },
  S12: {
    'an event of another tenant': (history) => {
      add(history, publish(50, 'e', '0/9-0', { tenant: 'bob' }), frame(60, 'e', '0/9-0'))
    },
    'the name of another tenant': (history) => {
      history.topics.push({ tenant: 'bob', topic: 'orders', keepsAll: true })
      add(history, { kind: 'said', tenant: 'ada', startMs: 1, endMs: 2, text: 'bob has more' })
    },
  },
  E1: {
    'something went wrong, nobody knows what': (history) =>
      add(history, publish(50, 'e', '', { outcome: 'unknown', code: 'internal', results: [] })),
  },
  L1: { 'a wait in vain': (history) => add(history, publish(230, 'e', '0/9-0'), vainWait(240, 2_000)) },
  L2: {
    'an expired lease stays away': (history) =>
      add(history, publish(230, 'e', '0/9-0'), pull(240, 'e', '0/9-0'), vainWait(250, 5_000)),
  },
  L3: {
    'a delayed event came early': (history) =>
      add(history, publish(50, 'e', '', { delayMs: 500, results: [] }), frame(90, 'e', '0/9-0')),
    'a delayed event stays away': (history) =>
      add(
        history,
        publish(230, 'e', '0/9-0'),
        pull(240, 'e', '0/9-0'),
        settle(250, '0/9-0.1', { op: 'nack', delayMs: 500 }),
        vainWait(260, 5_000),
      ),
  },
  L4: {
    'not ready in time': (history) =>
      add(history, { kind: 'recovery', startMs: 0, endMs: 3_500, after: 'kill9 redis' }),
  },
  L5: {
    'a delivery that nobody was given': (history) => {
      drop(history, (act) => act.kind === 'pull' && act.startMs === 120)
      drop(history, (act) => act.kind === 'settle' && act.startMs === 130)
    },
  },
}

for (const rule of Object.keys(rules) as RuleName[])
  for (const [name, change] of Object.entries(unsound[rule]))
    test(`${rule} refuses: ${name}`, () => expect(broken(changed(change))).toContain(rule))

test('what a fault may take is excused', () => {
  const lost = (loses: 'tail' | 'all', id: string) =>
    broken(
      changed((history) => {
        lose(history, id)
        history.faults.push({ name: 'loss', startMs: 60, endMs: 70, loses })
      }),
    )
  expect(lost('all', 'a')).toEqual([])
  expect(lost('tail', 'c')).toEqual([])
})

test('a group that forgot may deliver again what was acked', () => {
  const history = changed((history) => {
    history.faults.push({ name: 'group gone', startMs: 230, endMs: 231, forgets: true })
    add(history, pull(240, 'a', '0/1-0', 1), settle(250, '0/1-0.1'))
  })
  expect(broken(history)).toEqual([])
})

test('what was redriven comes again, and must be settled again', () => {
  const redriven = (history: History) => {
    add(
      history,
      { kind: 'redrive', ...group, startMs: 230, endMs: 231, outcome: 'ok' },
      pull(240, 'c', '0/3-0', 1, { deliveries: [{ id: 'c', place: '0/3-0', n: 1, receipt: 'next life' }] }),
    )
    for (const end of history.end.groups) Object.assign(end, { deadLetters: [], lag: { ...end.lag, dead: 0 } })
  }
  expect(broken(changed(redriven))).toEqual(['S6'])
  const history = changed(redriven)
  add(history, settle(250, 'next life'))
  expect(broken(history)).toEqual([])
})

test('a gap that says what was missed is no skip', () => {
  const history = changed((history) => {
    drop(history, (act) => act.kind === 'frame' && act.entry?.id === 'b')
    add(history, line(60, { gap: { partition: 0, from: '1-0', to: '2-0', isNewEpoch: false } }))
  })
  expect(broken(history)).toEqual([])
})
