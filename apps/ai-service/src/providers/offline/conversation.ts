import type { ChatMessage } from '../../chat/schemas.ts'

/** One tool call with what came back. */
export interface Step {
  name: string
  arguments: Record<string, unknown>
  /** '' while the result is missing. */
  result: string
}

export interface Conversation {
  /** The last thing the user said. */
  asked: string
  /** What the user said before that. */
  earlier: string
  /** What the model and its tools said before that. */
  answers: string
  /** What the system or developer said. */
  instructions: string
  /** Tool calls since the last user message, in order. */
  steps: Step[]
}

/** The conversation as the policy needs it. */
export function readConversation(messages: readonly ChatMessage[]): Conversation {
  const results = new Map<string, string>()
  for (const message of messages) {
    if (message.role === 'tool' && message.tool_call_id) results.set(message.tool_call_id, contentText(message))
  }
  const lastUser = messages.findLastIndex(({ role }) => role === 'user')
  const said = (wanted: (role: string, at: number) => boolean) =>
    messages
      .filter(({ role }, at) => wanted(role, at))
      .map(contentText)
      .join('\n\n')
  const steps = messages.slice(lastUser + 1).flatMap(({ tool_calls }) =>
    (tool_calls ?? []).map(({ id, function: { name, arguments: text } }) => ({
      name,
      arguments: objectIn(text),
      result: results.get(id) ?? '',
    })),
  )
  return {
    asked: said((_, at) => at === lastUser),
    earlier: said((role, at) => role === 'user' && at < lastUser),
    answers: said((role, at) => (role === 'assistant' || role === 'tool') && at < lastUser),
    instructions: said((role) => role === 'system' || role === 'developer'),
    steps,
  }
}

/** More of one message is not read. */
const messageCharsMax = 400_000

function contentText({ content }: ChatMessage): string {
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('')
  return text.slice(0, messageCharsMax)
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Every text in a JSON result with the name it stands under; a result that is not JSON is one nameless text. */
export function namedTexts(result: string): { key: string; text: string }[] {
  const found: { key: string; text: string }[] = []
  const visit = (value: unknown, key: string, depth: number): void => {
    if (typeof value === 'string') found.push({ key, text: value })
    else if (typeof value === 'number' || typeof value === 'boolean') found.push({ key, text: String(value) })
    else if (typeof value === 'object' && value !== null && depth < 12) {
      for (const [name, inner] of Object.entries(value)) visit(inner, Array.isArray(value) ? key : name, depth + 1)
    }
  }
  if (!/^\s*[{["]/.test(result)) return [{ key: '', text: result }]
  try {
    visit(JSON.parse(result), '', 0)
    return found
  } catch {
    return [{ key: '', text: result }]
  }
}
