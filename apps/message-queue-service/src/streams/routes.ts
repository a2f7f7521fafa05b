import { Fault } from '@santaclaude/service/faults'
import { room } from '@santaclaude/service/room'
import { queryInteger, t } from '@santaclaude/service/schema'
import { eventStream } from '@santaclaude/service/stream'
import { startQuery } from '../events/schemas.ts'
import { startOf } from '../events/start.ts'
import type { QueuePorts } from '../ports.ts'
import { topicParams as params, topicName } from '../topics/schemas.ts'
import { follow } from './follow.ts'
import { lease } from './lease.ts'

const ownPlace = 'A group keeps its own place: from and since cannot stand beside group. Seek moves it.'

const leaseQuery = {
  group: t.Optional(t.String({ ...topicName, description: 'Consume for this group.' })),
  credit: t.Optional(
    queryInteger({
      minimum: 1,
      maximum: 10_000,
      description: 'With group: unsettled deliveries at most; 100 unless said.',
    }),
  ),
  leaseMs: t.Optional(
    queryInteger({ minimum: 1_000, maximum: 43_200_000, description: 'With group: the lease, if not the group’s.' }),
  ),
}

/** Live tails and leased deliveries over server-sent events. */
export const streams = (ports: Pick<QueuePorts, 'log' | 'meters' | 'quotas'>, { stalledMs = 30_000 } = {}) =>
  room('/v1/topics/:topic/stream').get(
    '',
    async ({ params: { topic }, query: { from, since, group, credit = 100, leaseMs }, request, who: { tenant } }) => {
      if (group !== undefined) {
        if (from !== undefined || since !== undefined) throw new Fault('validation_failed', { detail: ownPlace })
        const options = leaseMs === undefined ? { credit } : { credit, leaseMs }
        return eventStream(await lease(ports, { tenant, topic, group }, options))
      }
      if (leaseMs !== undefined) throw new Fault('validation_failed', { detail: 'leaseMs goes with group.' })
      const lastId = request.headers.get('last-event-id') || undefined
      const start = lastId
        ? startOf({ from: lastId, otherwise: 'latest' })
        : startOf({ from, since, otherwise: 'latest' })
      const { produce, dropped } = await follow(ports, { tenant, topic }, start)
      return eventStream(produce, { stalled: { afterMs: stalledMs, event: dropped } })
    },
    {
      scope: 'events:consume',
      params,
      query: t.Object({ ...startQuery, ...leaseQuery }),
      detail: {
        summary: 'Follow a topic live',
        description:
          'Server-sent events: first `mq.ready`, then every event under its own type, its data the CloudEvent. The id of each frame is a cursor: sent back as `Last-Event-ID` it continues there, exactly. `mq.reset` says what could not be read because its place is gone. A comment every 15 s keeps the line open; `end` says that the stream is over, and a stream without it was cut. Starts at the latest event unless said. A reader that takes nothing for 30 s gets `mq.dropped` with its cursor, and the stream is over.\n\nWith `group` the stream is a consumer of that group: each frame holds a delivery as a pull answers it, to be settled by its receipt at `…/groups/{group}/settle`. No more than `credit` are unsettled at once, and what is when the stream ends goes back to the group at once. `mq.lag` says now and then how far behind the group is.',
        responses: {
          200: {
            description: 'The stream.',
            content: {
              'text/event-stream': {
                schema: { type: 'string' },
                example:
                  'id: c1.k3Jx9a-mibgq1nw-0\nevent: shop.order.placed\ndata: {"specversion":"1.0","id":"…","source":"/shop","type":"shop.order.placed","data":{"order":1041}}\n\n',
              },
            },
          },
        },
      },
    },
  )
