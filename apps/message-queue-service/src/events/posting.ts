import { readBody } from '@santaclaude/service/body'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { Caller } from '@santaclaude/service/keys'
import { eventStream } from '@santaclaude/service/stream'
import type { QueuePorts } from '../ports.ts'
import { mediaTypeOf, readArrived } from './arriving.ts'
import { publishLines } from './lines.ts'
import { type Kept, type Published, publish } from './publish.ts'
import { readWishes } from './wishes.ts'

/** The most a publish request may weigh, NDJSON apart. */
const bytesMax = 8 * 1_048_576

export const ndjson = 'application/x-ndjson'

interface Posting {
  request: Request
  topic: string
  isAtomic: boolean
  caller: Caller
  who: Who
}

/** Answers a publish request in any of its forms. */
export async function postEvents(ports: QueuePorts, posting: Posting): Promise<Response> {
  const { request, topic, isAtomic, caller, who } = posting
  const { headers } = request
  const publishing = {
    ...{ topic, wishes: readWishes(headers, { isAtomic }), isInternal: caller.scopes.has('internal') },
    idempotencyKey: headers.get('idempotency-key') ?? undefined,
  }
  if (mediaTypeOf(headers) === ndjson) return lineAnswer(publishLines(ports, who, { ...publishing, request }))
  const arrived = readArrived(headers, await readBody(request, { bytesMax }))
  const kept = await publish(ports, who, { ...publishing, arrived })
  return arrived.isBatch ? batchAnswer(kept) : singleAnswer(kept)
}

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
