import { room } from '@santaclaude/service/room'
import { oneOf, t } from '@santaclaude/service/schema'
import { startQuery } from '../events/schemas.ts'
import { startOf } from '../events/start.ts'
import { FilterWish } from '../groups/schemas.ts'
import type { QueuePorts } from '../ports.ts'
import { topicName } from '../topics/schemas.ts'
import { backTest } from './back-test.ts'

const FilterTest = t.Object(
  {
    topic: topicName,
    filter: FilterWish,
    ...startQuery,
    events: t.Optional(
      t.Integer({ minimum: 1, maximum: 100_000, description: 'The most events to look at; 10,000 unless said.' }),
    ),
    samples: t.Optional(
      t.Integer({ minimum: 0, maximum: 20, description: 'The most matches to show; 5 unless said.' }),
    ),
  },
  { examples: [{ topic: 'orders', filter: { types: ['shop.*'], where: 'data.total >= 100' }, events: 10_000 }] },
)
const FilterResult = t.Object({
  examined: t.Integer(),
  matched: t.Integer(),
  stoppedBy: oneOf(['end', 'events', 'bytes', 'time'], {
    description: 'Why it looked no further: the topic’s end, so many events, 64 MiB of data, or 3 s.',
  }),
  cursor: t.String({ description: 'Give it as from to go on.' }),
  byType: t.Array(t.Object({ type: t.String(), count: t.Integer() }), {
    description: 'The matches by type, most first.',
  }),
  samples: t.Array(t.Ref('StoredEvent'), { description: 'The first matches.' }),
})

/** Filters, tried on what a topic holds before a group uses them. */
export const filters = (ports: QueuePorts) =>
  room('/v1/filters')
    .model({ FilterTest, FilterResult })
    .post(
      '/test',
      async ({ body: { topic, filter, from, since, events = 10_000, samples = 5 }, who: { tenant } }) => {
        const start = startOf({ from, since, otherwise: 'earliest' })
        const text = await backTest(ports, { tenant, topic }, { filter, start, events, samples })
        return new Response(text, { headers: { 'content-type': 'application/json' } })
      },
      {
        scope: 'events:consume',
        body: 'FilterTest',
        detail: {
          summary: 'Try a filter on what a topic holds',
          description:
            'How many events fit, of which types, and some of them; no group is made and nothing is moved. Starts at the earliest event unless `from` or `since` says otherwise.',
          responses: {
            200: {
              description: 'What was found.',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/FilterResult' } } },
            },
          },
        },
      },
    )
