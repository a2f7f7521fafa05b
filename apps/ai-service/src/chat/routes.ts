import { problemOf } from '@santaclaude/service/faults'
import { room } from '@santaclaude/service/room'
import { eventStream, type StreamOptions } from '@santaclaude/service/stream'
import type { CallPorts } from './call.ts'
import { type Completion, complete } from './complete.ts'
import { draining, openaiError } from './dialect.ts'
import { answers, ChatRequest } from './schemas.ts'

/** OpenAI's Chat Completions, at the address its clients expect. */
export const chat = (ports: CallPorts) =>
  room('/v1/chat')
    .model({ ChatRequest })
    .post(
      '/completions',
      async ({ body, who, request: { signal } }) => {
        const completion = await complete(ports, { who, request: body, signal })
        return body.stream ? streamed(completion) : whole(completion)
      },
      {
        scope: 'ai:invoke',
        idempotent: true,
        body: 'ChatRequest',
        detail: {
          summary: 'Answer a conversation, whole or as a stream',
          description:
            'OpenAI’s Chat Completions: its official clients work with this service as base URL (`…/v1`). Errors have OpenAI’s form. A stream ends with `[DONE]`; one that fails ends with a `data: {"error": …}` event and no `[DONE]`. The answer’s `system_fingerprint` says who answered when it was not OpenAI. Leaving the connection ends the upstream call.',
          responses: answers,
        },
      },
    )

const headersOf = ({ provider, model }: Completion) => ({ 'x-sc-provider': provider, 'x-sc-model': encodeURI(model) })

async function whole(completion: Completion): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...headersOf(completion) }
  return new Response(await completion.whole(), { headers })
}

function streamed(completion: Completion): Response {
  let isWhole = false
  const options: StreamOptions = {
    headers: headersOf(completion),
    endsItself: true,
    end: (reason, { requestId }) =>
      reason === 'finished' || isWhole ? undefined : { data: openaiError(problemOf(draining(), requestId)) },
    failed: (fault, { requestId }) => ({ data: openaiError(problemOf(fault, requestId)) }),
  }
  return eventStream(async function* (signal) {
    yield* completion.stream(signal)
    isWhole = true
  }, options)
}
