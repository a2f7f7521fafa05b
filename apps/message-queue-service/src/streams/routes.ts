import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import { eventStream } from '@santaclaude/service/stream'
import { startQuery } from '../events/schemas.ts'
import { startOf } from '../events/start.ts'
import type { QueuePorts } from '../ports.ts'
import { topicParams as params } from '../topics/schemas.ts'
import { follow } from './follow.ts'

/** Live tails over server-sent events. */
export const streams = (ports: Pick<QueuePorts, 'log' | 'meters' | 'quotas'>) =>
  room('/v1/topics/:topic/stream').get(
    '',
    async ({ params: { topic }, query: { from, since }, request, who: { tenant } }) => {
      const lastId = request.headers.get('last-event-id') || undefined
      const start = lastId
        ? startOf({ from: lastId, otherwise: 'latest' })
        : startOf({ from, since, otherwise: 'latest' })
      return eventStream(await follow(ports, { tenant, topic }, start))
    },
    {
      scope: 'events:consume',
      params,
      query: t.Object(startQuery),
      detail: {
        summary: 'Follow a topic live',
        description:
          'Server-sent events: first `mq.ready`, then every event under its own type, its data the CloudEvent. The id of each frame is a cursor: sent back as `Last-Event-ID` it continues there, exactly. `mq.reset` says what could not be read because its place is gone. A comment every 15 s keeps the line open; `end` says that the stream is over, and a stream without it was cut. Starts at the latest event unless said.',
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
