import { readBody } from '@santaclaude/service/body'
import { Fault } from '@santaclaude/service/faults'
import { room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { topicParams as params } from '../topics/schemas.ts'
import { readArrived } from './arriving.ts'
import { publish } from './publish.ts'
import { replay } from './replay.ts'
import {
  CloudEvent,
  EventPage,
  Gap,
  PublishedBatch,
  PublishedEvent,
  pageQuery,
  publishBody,
  StoredEvent,
} from './schemas.ts'
import { startOf } from './start.ts'

/** The most a publish request may weigh. */
const bytesMax = 8 * 1_048_576

const json = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })
const schema = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } })
const answer = (description: string, name: string) => ({ description, content: { 'application/json': schema(name) } })

/** Events: published and read again. */
export const events = (ports: QueuePorts) =>
  room('/v1/topics/:topic/events')
    .model({ CloudEvent, PublishedEvent, PublishedBatch, Gap, StoredEvent, EventPage })
    .post(
      '',
      async ({ params: { topic }, request, who, caller }) => {
        const arrived = readArrived(request.headers, await readBody(request, { bytesMax }))
        const idempotencyKey = request.headers.get('idempotency-key') ?? undefined
        const isInternal = caller.scopes.has('internal')
        const results = await publish(ports, who, { topic, arrived, idempotencyKey, isInternal })
        return arrived.isBatch ? batchAnswer(results) : singleAnswer(results[0])
      },
      {
        scope: 'events:publish',
        parse: 'none',
        params,
        detail: {
          summary: 'Publish one event or many',
          description:
            'Answers once the log has them. Repeating a request with the same `Idempotency-Key` (or the same CloudEvents `source` and `id`) within the topic’s window adds nothing and answers the first place. Events are kept in the order sent; those with one `partitionkey` are also read in that order. A request is kept whole or, when one of its events does not fit, not at all.',
          requestBody: publishBody,
          responses: {
            200: answer('Every event had been published before.', 'PublishedBatch'),
            201: {
              description: 'Published. One event is answered alone, several as a batch.',
              content: {
                'application/json': {
                  schema: { oneOf: [schema('PublishedEvent').schema, schema('PublishedBatch').schema] },
                },
              },
            },
            207: answer('Some were refused: their key was used with another body.', 'PublishedBatch'),
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

type Results = Awaited<ReturnType<typeof publish>>

function singleAnswer(result: Results[number] | undefined): Response {
  if (!result) throw new Fault('internal')
  if ('code' in result) throw new Fault(result.code)
  return Response.json(result, { status: result.duplicate ? 200 : 201 })
}

function batchAnswer(results: Results): Response {
  const isRefused = results.some((result) => 'code' in result)
  const isOld = results.every((result) => 'duplicate' in result && result.duplicate)
  return Response.json({ results }, { status: isRefused ? 207 : isOld ? 200 : 201 })
}
