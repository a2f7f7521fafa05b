import { oneOf, t } from '@santaclaude/service/schema'
import { topicName } from '../topics/schemas.ts'

export const eventParams = t.Object({
  topic: topicName,
  id: t.String({ minLength: 1, maxLength: 256, description: 'The CloudEvents id.' }),
})
export const eventQuery = t.Object({
  at: t.Optional(
    t.String({
      maxLength: 64,
      description: 'Where it lies, `<partition>.<streamId>` as publishing answered; finds it at once.',
    }),
  ),
})

export const EventTrace = t.Object({
  id: t.String(),
  type: t.String(),
  partition: t.Integer(),
  streamId: t.String(),
  publishedAt: t.String({ format: 'date-time' }),
  groups: t.Array(
    t.Object({
      group: t.String(),
      state: oneOf(['ready', 'leased', 'parked', 'dead', 'settled', 'filtered']),
      deliveries: t.Optional(t.Integer()),
      forMs: t.Optional(t.Integer({ description: 'How long it has been under lease or parked.' })),
      reason: t.Optional(t.String({ description: 'Why it died.' })),
      attempts: t.Array(
        t.Object({
          at: t.String({ format: 'date-time' }),
          deliveries: t.Integer({ description: 'Which delivery; 1 = the first.' }),
          outcome: oneOf(['acked', 'nacked', 'expired', 'dead']),
          latencyMs: t.Integer({ description: 'Since it was published.' }),
          reason: t.Optional(t.String()),
        }),
        {
          description:
            'Deliveries that did not go through at once, the oldest first. What was acknowledged at its first delivery left nothing behind.',
        },
      ),
    }),
  ),
})
