import type { Exchange } from '@santaclaude/service/exchange'
import { entry, room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { topicParams as params, topicName } from '../topics/schemas.ts'
import { ndjson, postEvents } from './posting.ts'
import { replay } from './replay.ts'
import {
  CloudEvent,
  DelayedEvent,
  EventPage,
  Gap,
  PublishedBatch,
  PublishedEvent,
  pageQuery,
  publishBody,
  publishHeaders,
  publishQuery,
  StoredEvent,
} from './schemas.ts'
import { startOf } from './start.ts'

const ndjsonAnswer =
  '{"line":1,"id":"0199d3c0-6f5e-7c1a-9b2f-6f1f3f9f8a10","partition":2,"streamId":"1764032096789-0","duplicate":false,"durability":"aof"}\n{"end":true,"lines":1,"new":1,"duplicates":0,"refused":0}\n'

const json = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })
const schema = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } })
const batch = { $ref: '#/components/schemas/PublishedBatch' }
const answer = (description: string, name: string) => ({ description, content: { 'application/json': schema(name) } })

/** Events: published and read again. */
export const events = (ports: QueuePorts) =>
  room('/v1/topics/:topic/events')
    .model({ CloudEvent, PublishedEvent, DelayedEvent, PublishedBatch, Gap, StoredEvent, EventPage })
    .post(
      '',
      ({ params: { topic }, query: { atomic = false }, request, who, caller }) =>
        postEvents(ports, { request, topic, isAtomic: atomic, who, caller }),
      {
        scope: 'events:publish',
        parse: 'none',
        params,
        query: publishQuery,
        detail: {
          summary: 'Publish one event or many',
          description:
            'Answers once the log has them, and says how safe they are. Repeating a request with the same `Idempotency-Key` (or the same CloudEvents `source` and `id`) within the topic’s window adds nothing and answers the first place. Events are kept in the order sent; those with one `partitionkey` are also read in that order. When one of its events does not fit, nothing of a request is kept; only NDJSON is judged line by line. `503 outcome_unknown` means that the events were kept once or not at all: send them again under the same key.',
          parameters: publishHeaders,
          requestBody: publishBody,
          responses: {
            200: {
              description: 'Every event had been published before. NDJSON is answered line by line.',
              content: {
                'application/json': { schema: { oneOf: [schema('PublishedEvent').schema, batch] } },
                [ndjson]: { schema: { type: 'string' as const }, example: ndjsonAnswer },
              },
            },
            201: {
              description: 'Published. One event is answered alone, several as a batch.',
              content: { 'application/json': { schema: { oneOf: [schema('PublishedEvent').schema, batch] } } },
            },
            202: {
              description: 'Kept until they are due.',
              content: { 'application/json': { schema: { oneOf: [schema('DelayedEvent').schema, batch] } } },
            },
            207: answer('Some were refused: each says why.', 'PublishedBatch'),
          },
        },
      },
    )
    .get(
      '',
      async ({ params: { topic }, query: { limit = 100, ...query }, who: { tenant } }) =>
        json(
          await replay(ports.log, { tenant, topic }, { start: startOf({ ...query, otherwise: 'earliest' }), limit }),
        ),
      {
        scope: 'events:consume',
        params,
        query: pageQuery,
        detail: {
          summary: 'Read what a topic holds',
          description:
            'A page in the order of publishing, from the earliest event unless said. A reader whose place is gone is told so in `gaps`; nothing is skipped silently.',
          responses: { 200: answer('A page.', 'EventPage') },
        },
      },
    )

const way = new RegExp(`^/v1/topics/(${topicName.pattern?.slice(1, -1)})/events$`)

/**
 * The busiest route past the router: what it would hand to {@link postEvents} with nothing left to judge. Anything else
 * about the request (a query, an odd name, another method) is the router's.
 */
export const expressPost = (ports: QueuePorts) => (request: Request, exchange: Exchange) => {
  const topic = request.method === 'POST' && !request.url.includes('?') ? way.exec(exchange.path)?.[1] : undefined
  if (topic === undefined) return undefined
  exchange.route = '/v1/topics/:topic/events'
  return postEvents(ports, { request, topic, isAtomic: false, ...entry('events:publish') })
}
