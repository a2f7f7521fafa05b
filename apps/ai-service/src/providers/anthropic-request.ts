import type {
  ContentBlockParam,
  ImageBlockParam,
  MessageCreateParamsStreaming,
  MessageParam,
  TextBlockParam,
  ToolChoice,
} from '@anthropic-ai/sdk/resources/messages'
import type { ChatMessage, ContentPart } from '../chat/schemas.ts'
import { ProviderError, type ProviderRequest } from './port.ts'

const outputTokensDefault = 8192
const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const

/**
 * A chat request as Anthropic's Messages take it: system text apart, tool results as user content, neighbours of one
 * role joined. Throws `rejected` for what has no counterpart, naming the field.
 * Source: https://platform.claude.com/docs/en/api/messages
 */
export function messagesRequest(request: ProviderRequest): MessageCreateParamsStreaming {
  const system = [...systemTexts(request.messages), ...jsonWish(request)].join('\n\n')
  const output = outputConfig(request)
  const stop = request.stop ?? []
  const temperature = request.temperature ?? undefined
  const topP = request.top_p ?? undefined
  return {
    model: request.model,
    max_tokens: request.max_completion_tokens ?? request.max_tokens ?? outputTokensDefault,
    messages: joined(request.messages),
    stream: true,
    ...(system !== '' && { system }),
    ...(temperature !== undefined && { temperature: Math.min(temperature, 1) }),
    ...(topP !== undefined && { top_p: topP }),
    ...(stop.length > 0 && { stop_sequences: typeof stop === 'string' ? [stop] : stop }),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    ...(output && { output_config: output }),
    ...tools(request),
  }
}

function tools({ tools, tool_choice, parallel_tool_calls }: ProviderRequest) {
  if (!tools || tools.length === 0) return {}
  const oneAtATime = parallel_tool_calls === false ? { disable_parallel_tool_use: true } : {}
  const choice = (): ToolChoice => {
    if (typeof tool_choice === 'object') return { type: 'tool', name: tool_choice.function.name, ...oneAtATime }
    if (tool_choice === 'none') return { type: 'none' }
    return { type: tool_choice === 'required' ? 'any' : 'auto', ...oneAtATime }
  }
  return {
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      ...(description !== undefined && { description }),
      input_schema: { properties: {}, ...parameters, type: 'object' as const },
    })),
    tool_choice: choice(),
  }
}

function outputConfig({ response_format, ...rest }: ProviderRequest) {
  const wished = (rest as { reasoning_effort?: unknown }).reasoning_effort
  const effort = efforts.find((known) => known === wished)
  const schema = response_format?.type === 'json_schema' ? response_format.json_schema?.schema : undefined
  if (!effort && !schema) return undefined
  return { ...(effort && { effort }), ...(schema && { format: { type: 'json_schema' as const, schema } }) }
}

/** There is no plain JSON mode over there: it is asked for in words. */
const jsonWish = ({ response_format }: ProviderRequest) =>
  response_format?.type === 'json_object' ? ['Answer with one JSON object and nothing around it.'] : []

const isSystem = ({ role }: ChatMessage) => role === 'system' || role === 'developer'

const systemTexts = (messages: ChatMessage[]) => messages.filter(isSystem).map(({ content }) => plainText(content))

function plainText(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text }) => text ?? '').join('')
}

function joined(messages: ChatMessage[]): MessageParam[] {
  const answer: { role: 'user' | 'assistant'; content: ContentBlockParam[] }[] = []
  for (const [at, message] of messages.entries()) {
    if (isSystem(message)) continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = blocksOf(message, at)
    const before = answer.at(-1)
    if (before?.role === role) before.content.push(...content)
    else if (content.length > 0) answer.push({ role, content })
  }
  return answer
}

function blocksOf(message: ChatMessage, at: number): ContentBlockParam[] {
  const content = contentBlocks(message.content, at)
  if (message.role === 'tool') {
    return [{ type: 'tool_result', tool_use_id: message.tool_call_id ?? '', content }]
  }
  const calls = (message.role === 'assistant' && message.tool_calls) || []
  return [
    ...content,
    ...calls.map(({ id, function: { name, arguments: text } }) => ({
      type: 'tool_use' as const,
      id,
      name,
      input: argumentsOf(text, at),
    })),
  ]
}

function argumentsOf(text: string, at: number): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw refused(`messages[${at}].tool_calls`, 'arguments of a tool call are not JSON')
  }
}

/** Empty text blocks are refused over there, so they are left out. */
function contentBlocks(content: ChatMessage['content'], at: number): (TextBlockParam | ImageBlockParam)[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  const blocks: (TextBlockParam | ImageBlockParam)[] = []
  for (const part of content ?? []) {
    if (part.type !== 'text') blocks.push(image(part, at))
    else if (part.text) blocks.push({ type: 'text', text: part.text })
  }
  return blocks
}

function image(part: ContentPart, at: number): ImageBlockParam {
  const url = part.type === 'image_url' ? part.image_url?.url : undefined
  if (url === undefined) throw refused(`messages[${at}].content`, `content of type ${part.type} has no counterpart`)
  const inline = /^data:(image\/(?:jpeg|png|gif|webp));base64,(.+)$/s.exec(url)
  if (!inline) return { type: 'image', source: { type: 'url', url } }
  const [, media, data] = inline as unknown as [string, 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp', string]
  return { type: 'image', source: { type: 'base64', media_type: media, data } }
}

const refused = (param: string, message: string) => new ProviderError('rejected', message, { param })
