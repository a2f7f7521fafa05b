/** What goes wrong, and after how many of the stream's events. */
export type UpstreamFault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** Accepts the request and never answers. */
  | { kind: 'hang' }
  /** The socket is destroyed. */
  | { kind: 'cut'; afterEvents: number }
  /** Says nothing more, the connection stays open. */
  | { kind: 'stall'; afterEvents: number }
  /** Keeps sending comments, never another event. */
  | { kind: 'comments'; afterEvents: number }
  /** Goes on when the promise settles. */
  | { kind: 'wait'; afterEvents: number; until: Promise<unknown> }
  | { kind: 'malformed'; afterEvents: number }
  /** An error inside a 200 stream, in the dialect's own form. */
  | { kind: 'error_event'; afterEvents: number; message: string }
  /** A clean end without the dialect's last event. */
  | { kind: 'early_end'; afterEvents: number }
  /** Every byte is a write of its own. */
  | { kind: 'bytewise' }
  /** Lines end in CRLF. */
  | { kind: 'crlf' }
  | { kind: 'not_json' }

/** What one call gets. Without `text` and `toolCalls` the model calls a tool if it must, else repeats the last user message. */
export interface UpstreamPlan {
  text?: string
  toolCalls?: readonly { name: string; arguments: Record<string, unknown> }[]
  finish?: 'stop' | 'length'
  usage?: { input: number; output: number; cached?: number }
  fault?: UpstreamFault
}

/** What a dialect writes: ready to go on the wire. */
export interface DialectReply {
  events: string[]
  errorEvent(message: string): string
}

/** The plan with its gaps filled. */
export interface FilledPlan {
  text: string
  toolCalls: { id: string; name: string; arguments: string }[]
  finish: 'stop' | 'length' | 'tool_calls'
  usage: { input: number; output: number; cached: number }
}

/** Words with the space before them, as models stream them. */
export const inPieces = (text: string) => text.match(/\s*\S+\s*$|\s*\S+/g) ?? (text === '' ? [] : [text])

/** The plan with its defaults: without text and tool calls the last user message is repeated. */
export function fill(plan: UpstreamPlan, body: Record<string, unknown>): FilledPlan {
  const toolCalls = (plan.toolCalls ?? mustCall(body)).map((call, at) => ({
    id: `call_${at + 1}`,
    name: call.name,
    arguments: JSON.stringify(call.arguments),
  }))
  const text = plan.text ?? (toolCalls.length > 0 ? '' : `You said: ${lastUserText(body)}`)
  return {
    text,
    toolCalls,
    finish: plan.finish ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: { input: 11, output: 7, cached: 0, ...plan.usage },
  }
}

/** A call without arguments of the first tool, when either dialect's `tool_choice` leaves no way around one. */
function mustCall({
  tools,
  tool_choice,
}: Record<string, unknown>): { name: string; arguments: Record<string, never> }[] {
  const [tool] = (tools ?? []) as { name?: string; function?: { name: string } }[]
  const choice = typeof tool_choice === 'object' ? (tool_choice as { type?: string } | null)?.type : tool_choice
  if (!tool || !['required', 'any', 'tool', 'function'].includes(String(choice))) return []
  return [{ name: tool.function?.name ?? tool.name ?? '', arguments: {} }]
}

function lastUserText(body: Record<string, unknown>): string {
  const messages = (body.messages ?? []) as { role: string; content: unknown }[]
  const content = messages.findLast(({ role }) => role === 'user')?.content
  if (typeof content === 'string') return content
  return ((content ?? []) as { text?: string }[]).map(({ text }) => text ?? '').join('')
}
