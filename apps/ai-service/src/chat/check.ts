import { Fault } from '@santaclaude/service/faults'
import type { ChatMessage, ChatRequest } from './schemas.ts'

/**
 * What a schema cannot say about a chat request: tool results answer calls, and a chosen tool is offered.
 * Faults: validation_failed, naming the field.
 */
export function checkChat({
  messages,
  tools,
  tool_choice,
}: Pick<ChatRequest, 'messages' | 'tools' | 'tool_choice'>): void {
  let open = new Set<string>()
  for (const [at, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (!message.tool_call_id)
        throw misfit(`messages/${at}/tool_call_id`, 'A tool message names the call it answers.')
      if (!open.delete(message.tool_call_id)) {
        throw misfit(`messages/${at}/tool_call_id`, 'A tool message answers a call of the assistant message before it.')
      }
      continue
    }
    if (open.size > 0) throw misfit(`messages/${at}`, 'The tool calls before this message have no results yet.')
    if (message.role === 'assistant') open = new Set((message.tool_calls ?? []).map(({ id }) => id))
    else if (isEmpty(message)) throw misfit(`messages/${at}/content`, 'The message says nothing.')
  }
  if (open.size > 0) throw misfit(`messages/${messages.length - 1}`, 'The last tool calls have no results.')
  const chosen = typeof tool_choice === 'object' ? tool_choice.function.name : undefined
  const isOffered = (tools ?? []).some(({ function: { name } }) => chosen === undefined || name === chosen)
  if ((chosen !== undefined || tool_choice === 'required') && !isOffered) {
    throw misfit('tool_choice', 'The chosen tool is not among the tools.')
  }
}

const isEmpty = ({ content }: ChatMessage) => content === undefined || content === null || content.length === 0

function misfit(path: string, message: string): Fault {
  return new Fault('validation_failed', { detail: message, errors: [{ path: `/body/${path}`, message }] })
}
