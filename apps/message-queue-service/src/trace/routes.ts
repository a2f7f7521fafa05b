import { room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { EventTrace, eventParams as params, eventQuery as query } from './schemas.ts'
import { getEvent, traceEvent } from './trace.ts'

const scope = 'events:consume'

/** One event: as it lies in the log, and what became of it. */
export const traces = (ports: Pick<QueuePorts, 'log'>) =>
  room('/v1/topics/:topic/events/:id')
    .model({ EventTrace })
    .get(
      '',
      async ({ params: { topic, id }, query: { at }, who: { tenant } }) =>
        new Response(await getEvent(ports.log, { tenant, topic }, { id, at }), {
          headers: { 'content-type': 'application/json' },
        }),
      {
        scope,
        params,
        query,
        detail: {
          summary: 'Read one event',
          description:
            'Found at the place given, else by the time that a UUIDv7 says, else among the newest 20,000 of each partition.',
          responses: {
            200: {
              description: 'The event.',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/StoredEvent' } } },
            },
          },
        },
      },
    )
    .get(
      '/trace',
      ({ params: { topic, id }, query: { at }, who: { tenant } }) =>
        traceEvent(ports.log, { tenant, topic }, { id, at }),
      {
        scope,
        params,
        query,
        response: { 200: 'EventTrace' },
        detail: {
          summary: 'Follow one event through every group',
          description:
            'Where it stands in each group now, and each delivery that was given back, expired, died or was a repetition; of those a group remembers about the last thousand of a partition. A group that began behind the event shows it as settled. Which transport carried a delivery is not kept.',
        },
      },
    )
