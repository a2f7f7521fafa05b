import { type DialectReply, type FilledPlan, inPieces } from './fake-model-upstream-plan.ts'

const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const

const usageOf = ({ usage }: FilledPlan, outputTokens: number) => ({
  input_tokens: usage.input - usage.cached,
  output_tokens: outputTokens,
  cache_read_input_tokens: usage.cached,
  cache_creation_input_tokens: 0,
})

const base = (body: Record<string, unknown>) => ({
  id: 'msg_upstream',
  type: 'message',
  role: 'assistant',
  model: String(body.model),
  stop_sequence: null,
})

/** The whole answer of `POST /v1/messages`. */
export function anthropicMessage(plan: FilledPlan, body: Record<string, unknown>) {
  return {
    ...base(body),
    content: [
      ...(plan.text === '' ? [] : [{ type: 'text', text: plan.text, citations: null }]),
      ...plan.toolCalls.map(({ id, name, arguments: args }) => ({
        type: 'tool_use',
        id,
        name,
        input: JSON.parse(args) as unknown,
      })),
    ],
    stop_reason: stopReasons[plan.finish],
    usage: usageOf(plan, plan.usage.output),
  }
}

/** The same as server-sent events, ending in `message_stop`. */
export function anthropicEvents(plan: FilledPlan, body: Record<string, unknown>): DialectReply {
  const event = (data: { type: string } & Record<string, unknown>) =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
  const events = [
    event({
      type: 'message_start',
      message: { ...base(body), content: [], stop_reason: null, usage: usageOf(plan, 1) },
    }),
    event({ type: 'ping' }),
  ]
  let index = 0
  const block = (start: Record<string, unknown>, deltas: Record<string, unknown>[]) => {
    events.push(event({ type: 'content_block_start', index, content_block: start }))
    for (const delta of deltas) events.push(event({ type: 'content_block_delta', index, delta }))
    events.push(event({ type: 'content_block_stop', index }))
    index++
  }
  if (plan.text !== '') {
    const deltas = inPieces(plan.text).map((text) => ({ type: 'text_delta', text }))
    block({ type: 'text', text: '', citations: null }, deltas)
  }
  for (const { id, name, arguments: args } of plan.toolCalls) {
    const half = Math.ceil(args.length / 2)
    const deltas = ['', args.slice(0, half), args.slice(half)].map((partial_json) => ({
      type: 'input_json_delta',
      partial_json,
    }))
    block({ type: 'tool_use', id, name, input: {} }, deltas)
  }
  events.push(
    event({
      type: 'message_delta',
      delta: { stop_reason: stopReasons[plan.finish], stop_sequence: null },
      usage: usageOf(plan, plan.usage.output),
    }),
    event({ type: 'message_stop' }),
  )
  return { events, errorEvent: (message) => event({ type: 'error', error: { type: 'overloaded_error', message } }) }
}

export const anthropicModels = () => ({
  data: [
    { type: 'model', id: 'claude-sonnet-5-5', display_name: 'Claude Sonnet 5.5', created_at: '2026-05-01T00:00:00Z' },
  ],
  has_more: false,
  first_id: 'claude-sonnet-5-5',
  last_id: 'claude-sonnet-5-5',
})
