import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import type { ReasonCode } from './explain.ts'

const codes = [
  ...(['deliverable', 'store_refuses_writes', 'store_full', 'upkeep_missing', 'paused', 'in_flight_limit'] as const),
  ...(['waiting_for_due_time', 'blocked_by_order', 'all_leased', 'events_delayed'] as const),
  ...(['filter_lets_nothing_through', 'all_settled', 'nothing_published', 'has_dead_letters'] as const),
] satisfies ReasonCode[]

export const Explanation = t.Object({
  group: t.String(),
  topic: t.String(),
  isBlocked: t.Boolean({ description: 'Whether a pull would get nothing now.' }),
  reasons: t.Array(
    t.Object({
      code: oneOf(codes),
      isBlocking: t.Boolean(),
      words: t.String(),
      hint: t.String({ description: 'What can be done.' }),
      count: t.Optional(t.Integer({ description: 'Events this is about.' })),
      until: t.Optional(t.String({ format: 'date-time', description: 'When it passes by itself.' })),
    }),
    { description: 'The weightiest first.' },
  ),
})

export const PendingPage = t.Object({
  pending: t.Array(
    t.Object({
      partition: t.Integer(),
      streamId: t.String(),
      state: oneOf(['leased', 'parked']),
      deliveries: t.Integer(),
      forMs: t.Integer({ description: 'How long it has been so, or since its lease was last extended.' }),
    }),
    { description: 'By partition and place.' },
  ),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})
export const pendingQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1_000, description: 'Entries a page; 100 unless said.' })),
  after: t.Optional(t.String({ maxLength: 64, description: 'The next of the page before.' })),
})
