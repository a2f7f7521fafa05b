import { readBody } from '@santaclaude/service/body'
import { Fault } from '@santaclaude/service/faults'
import { room } from '@santaclaude/service/room'
import { eventStream } from '@santaclaude/service/stream'
import type { QueuePorts } from '../ports.ts'
import { topicParams as params } from '../topics/schemas.ts'
import { mediaTypeOf, readArrived } from './arriving.ts'
import { publishLines } from './lines.ts'
import { type Kept, type Published, publish } from './publish.ts'
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
import { readWishes } from './wishes.ts'

/** The most a publish request may weigh. */
const bytesMax = 8 * 1_048_576

const ndjson = 'application/x-ndjson'
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
      async ({ params: { topic }, query: { atomic = false }, request, who, caller }) => {
        const { headers } = request
        const publishing = {
          ...{ topic, wishes: readWishes(headers, { isAtomic: atomic }), isInternal: caller.scopes.has('internal') },
          idempotencyKey: headers.get('idempotency-key') ?? undefined,
        }
        if (mediaTypeOf(headers) === ndjson) return lineAnswer(publishLines(ports, who, { ...publishing, request }))
        const arrived = readArrived(headers, await readBody(request, { bytesMax }))
        const kept = await publish(ports, who, { ...publishing, arrived })
        return arrived.isBatch ? batchAnswer(kept) : singleAnswer(kept)
      },
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

const isOld = (result: Published) => 'duplicate' in result && result.duplicate

/** What an answer says beside its body: how safe the events are, and the epoch of their partition. */
function headersOf({ results, epoch }: Kept): Record<string, string> {
  const kept = results.find((result) => 'durability' in result)
  return {
    ...(kept && 'durability' in kept ? { 'mq-durability': kept.durability } : {}),
    ...(epoch === undefined ? {} : { 'mq-epoch': epoch }),
  }
}

function singleAnswer(kept: Kept): Response {
  const [result] = kept.results as [Published]
  if ('code' in result) throw new Fault(result.code)
  const status = result.duplicate ? 200 : 'dueAt' in result ? 202 : 201
  return Response.json(result, { status, headers: headersOf(kept) })
}

function batchAnswer(kept: Kept): Response {
  const { results } = kept
  if (results.every((result) => 'code' in result && result.code === 'topic_full')) throw new Fault('topic_full')
  const isRefused = results.some((result) => 'code' in result)
  const status = isRefused ? 207 : results.every(isOld) ? 200 : results.some((result) => 'dueAt' in result) ? 202 : 201
  return Response.json({ results }, { status, headers: headersOf(kept) })
}

/** Answers line by line, once the first step has shown that the request as a whole can be served. */
async function lineAnswer(results: AsyncGenerator<Uint8Array>): Promise<Response> {
  const first = await results.next()
  const all = async function* () {
    if (first.value) yield first.value
    yield* results
  }
  // Nothing that is no result may stand between the lines, so there is no heartbeat.
  return eventStream(all, { heartbeatMs: 2 ** 31 - 1, end: () => undefined, headers: { 'content-type': ndjson } })
}
