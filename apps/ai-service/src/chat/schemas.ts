import { t } from '@santaclaude/service/schema'
import type { DocumentDecoration, Static } from 'elysia'

/**
 * OpenAI's Chat Completions, as far as this service reads it. Objects are open: a field we do not know goes on to a
 * provider that speaks the same dialect, so that a client may use what its provider learnt yesterday.
 * Source: https://platform.openai.com/docs/api-reference/chat
 */
const open = { additionalProperties: true } as const
const nullable = <T extends Parameters<typeof t.Union>[0][number]>(schema: T, options = {}) =>
  t.Optional(t.Union([schema, t.Null()], options))

export const ContentPart = t.Object(
  {
    type: t.String({ description: '`text` or `image_url`; other kinds reach providers that take them.' }),
    text: t.Optional(t.String()),
    image_url: t.Optional(t.Object({ url: t.String({ description: 'An address or a `data:` URL.' }) }, open)),
  },
  open,
)

export const ToolCall = t.Object(
  {
    id: t.String({ minLength: 1, maxLength: 256 }),
    type: t.Literal('function'),
    function: t.Object({ name: t.String(), arguments: t.String({ description: 'JSON text.' }) }, open),
  },
  open,
)

export const Role = t.Union([
  t.Literal('system'),
  t.Literal('developer'),
  t.Literal('user'),
  t.Literal('assistant'),
  t.Literal('tool'),
])

export const ChatMessage = t.Object(
  {
    role: Role,
    content: nullable(t.Union([t.String(), t.Array(ContentPart, { maxItems: 1000 })])),
    refusal: nullable(t.String()),
    name: t.Optional(t.String({ maxLength: 256 })),
    tool_calls: t.Optional(t.Array(ToolCall, { maxItems: 128 })),
    tool_call_id: t.Optional(t.String({ maxLength: 256 })),
  },
  open,
)

export const Tool = t.Object(
  {
    type: t.Literal('function'),
    function: t.Object(
      {
        name: t.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
        description: t.Optional(t.String()),
        parameters: t.Optional(t.Record(t.String(), t.Unknown(), { description: 'A JSON Schema.' })),
      },
      open,
    ),
  },
  open,
)

export const ToolChoice = t.Union([
  t.Literal('none'),
  t.Literal('auto'),
  t.Literal('required'),
  t.Object({ type: t.Literal('function'), function: t.Object({ name: t.String() }, open) }, open),
])

export const ResponseFormat = t.Object(
  {
    type: t.Union([t.Literal('text'), t.Literal('json_object'), t.Literal('json_schema')]),
    json_schema: t.Optional(
      t.Object({ name: t.String(), schema: t.Optional(t.Record(t.String(), t.Unknown())) }, open),
    ),
  },
  open,
)

export const ChatRequest = t.Object(
  {
    model: t.Optional(t.String({ minLength: 1, maxLength: 256, description: 'Absent: the default model.' })),
    messages: t.Array(ChatMessage, { minItems: 1, maxItems: 10_000 }),
    tools: t.Optional(t.Array(Tool, { maxItems: 128 })),
    tool_choice: t.Optional(ToolChoice),
    parallel_tool_calls: t.Optional(t.Boolean()),
    response_format: t.Optional(ResponseFormat),
    stream: nullable(t.Boolean()),
    stream_options: nullable(t.Object({ include_usage: t.Optional(t.Boolean()) }, open)),
    stop: nullable(t.Union([t.String(), t.Array(t.String(), { maxItems: 16 })])),
    max_tokens: nullable(t.Integer({ minimum: 1 })),
    max_completion_tokens: nullable(t.Integer({ minimum: 1 })),
    temperature: nullable(t.Number({ minimum: 0, maximum: 2 })),
    top_p: nullable(t.Number({ minimum: 0, maximum: 1 })),
    n: nullable(t.Literal(1, { description: 'One answer a call.' })),
    user: t.Optional(t.String({ maxLength: 512 })),
  },
  {
    ...open,
    examples: [
      {
        model: 'offline',
        messages: [{ role: 'user', content: 'Which is cheapest?\nTin kettle £12.50\nCopper kettle £39.90' }],
        stream: false,
      },
    ],
  },
)

export type ContentPart = Static<typeof ContentPart>
export type ToolCall = Static<typeof ToolCall>
export type ChatMessage = Static<typeof ChatMessage>
export type Tool = Static<typeof Tool>
export type ToolChoice = Static<typeof ToolChoice>
export type ChatRequest = Static<typeof ChatRequest>

const usage = { prompt_tokens: 41, completion_tokens: 12, total_tokens: 53 }

/** The answers of the chat route, for the document: they are relayed bytes, so no schema strips them. */
export const answers: NonNullable<DocumentDecoration['responses']> = {
  200: {
    description: 'The answer: `chat.completion`, or a stream of `chat.completion.chunk` when `stream` is true.',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['id', 'object', 'created', 'model', 'choices'],
          additionalProperties: true,
        },
        example: {
          id: 'chatcmpl-01931f6b',
          object: 'chat.completion',
          created: 1780000000,
          model: 'offline',
          system_fingerprint: 'offline',
          choices: [
            {
              index: 0,
              message: { role: 'assistant', content: 'The sum is 7.', refusal: null },
              finish_reason: 'stop',
            },
          ],
          usage,
        },
      },
      'text/event-stream': {
        schema: { type: 'string' },
        example: 'data: {"object":"chat.completion.chunk", …}\n\ndata: [DONE]\n\n',
      },
    },
  },
  '4XX': {
    description: 'An error in OpenAI’s form.',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { description: 'The field that did not fit, or null.' },
                code: { type: 'string' },
              },
            },
          },
        },
      },
    },
  },
}
