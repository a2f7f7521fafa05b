import { type DialectReply, type FilledPlan, inPieces } from './fake-model-upstream-plan.ts'

const created = 1_780_000_000
const base = (body: Record<string, unknown>) => ({
  id: 'chatcmpl-upstream',
  created,
  model: String(body.model),
  system_fingerprint: 'fp_upstream',
})

const usageOf = ({ usage }: FilledPlan) => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cached },
})

const toolCallsOf = ({ toolCalls }: FilledPlan) =>
  toolCalls.map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }))

/** The whole answer of `POST /v1/chat/completions`. */
export function openaiCompletion(plan: FilledPlan, body: Record<string, unknown>) {
  const message = {
    role: 'assistant',
    content: plan.text === '' ? null : plan.text,
    refusal: null,
    ...(plan.toolCalls.length > 0 && { tool_calls: toolCallsOf(plan) }),
  }
  return {
    ...base(body),
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: plan.finish }],
    usage: usageOf(plan),
  }
}

/** The same as server-sent events, ending in `[DONE]`. */
export function openaiEvents(plan: FilledPlan, body: Record<string, unknown>): DialectReply {
  const asksUsage = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true
  const event = (choices: unknown[], usage: unknown = null) =>
    `data: ${JSON.stringify({ ...base(body), object: 'chat.completion.chunk', choices, ...(asksUsage && { usage }) })}\n\n`
  const delta = (delta: unknown, finish: string | null = null) =>
    event([{ index: 0, delta, logprobs: null, finish_reason: finish }])

  const events = [delta({ role: 'assistant', content: '', refusal: null })]
  for (const piece of inPieces(plan.text)) events.push(delta({ content: piece }))
  for (const [index, call] of toolCallsOf(plan).entries()) {
    events.push(delta({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: '' } }] }))
    const half = Math.ceil(call.function.arguments.length / 2)
    for (const text of [call.function.arguments.slice(0, half), call.function.arguments.slice(half)]) {
      events.push(delta({ tool_calls: [{ index, function: { arguments: text } }] }))
    }
  }
  events.push(delta({}, plan.finish))
  if (asksUsage) events.push(event([], usageOf(plan)))
  events.push('data: [DONE]\n\n')
  return {
    events,
    errorEvent: (message) => `data: ${JSON.stringify({ error: { message, type: 'server_error', code: null } })}\n\n`,
  }
}

export const openaiModels = () => ({
  object: 'list',
  data: [
    { id: 'gpt-5-mini', object: 'model', created, owned_by: 'openai' },
    { id: 'house-model', object: 'model', created, owned_by: 'house' },
  ],
})
