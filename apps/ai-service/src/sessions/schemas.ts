import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import { ChatMessage, ResponseFormat, Tool, ToolChoice } from '../chat/schemas.ts'

const id = t.String({ pattern: '^[0-9a-f-]{36}$', examples: ['01931f6b-7a3c-7000-9f1e-0123456789ab'] })
const atMs = t.Integer({ description: 'Unix milliseconds.' })
const nullable = (schema: ReturnType<typeof t.String>) => t.Union([schema, t.Null()])

export const Session = t.Object(
  {
    id,
    title: nullable(t.String()),
    model: nullable(t.String()),
    instructions: nullable(t.String()),
    tools: t.Array(Tool),
    metadata: t.Record(t.String(), t.String()),
    createdAtMs: atMs,
    updatedAtMs: atMs,
    messages: t.Integer({ description: 'How many messages it holds.' }),
    bytes: t.Integer({ description: 'Their bytes as JSON.' }),
    promptTokens: t.Integer({ description: 'Of all completed turns.' }),
    completionTokens: t.Integer({ description: 'Of all completed turns.' }),
  },
  {
    examples: [
      {
        id: '01931f6b-7a3c-7000-9f1e-0123456789ab',
        title: 'Kettles',
        model: 'offline',
        instructions: null,
        tools: [],
        metadata: {},
        createdAtMs: 1780000000000,
        updatedAtMs: 1780000000000,
        messages: 2,
        bytes: 412,
        promptTokens: 21,
        completionTokens: 9,
      },
    ],
  },
)

export const SessionWish = t.Object(
  {
    title: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
    model: t.Optional(t.String({ minLength: 1, maxLength: 256, description: 'Of turns that name none.' })),
    instructions: t.Optional(
      t.String({ maxLength: 100_000, description: 'Said to the model before everything else.' }),
    ),
    tools: t.Optional(t.Array(Tool, { maxItems: 128, description: 'Offered in turns that name none.' })),
    metadata: t.Optional(t.Record(t.String({ maxLength: 64 }), t.String({ maxLength: 512 }), { maxProperties: 32 })),
  },
  { examples: [{ title: 'Kettles', instructions: 'Be brief.', metadata: { card: '7' } }] },
)

const Usage = t.Object({ promptTokens: t.Integer(), completionTokens: t.Integer(), cachedTokens: t.Integer() })

export const SessionMessage = t.Object(
  {
    id,
    turnId: id,
    createdAtMs: atMs,
    role: oneOf(['system', 'developer', 'user', 'assistant', 'tool']),
    provider: t.Optional(t.String()),
    model: t.Optional(t.String()),
    finishReason: t.Optional(t.String()),
    usage: t.Optional(Usage),
  },
  { additionalProperties: true, description: 'A chat message with where it comes from.' },
)

export const TurnInput = t.Object(
  {
    message: t.Optional(t.String({ minLength: 1, description: 'Short for one user message.' })),
    messages: t.Optional(
      t.Array(ChatMessage, { minItems: 1, maxItems: 200, description: 'What is new: user messages and tool results.' }),
    ),
    model: t.Optional(t.String({ minLength: 1, maxLength: 256 })),
    tools: t.Optional(t.Array(Tool, { maxItems: 128 })),
    tool_choice: t.Optional(ToolChoice),
    parallel_tool_calls: t.Optional(t.Boolean()),
    response_format: t.Optional(ResponseFormat),
    stop: t.Optional(t.Union([t.String(), t.Array(t.String(), { maxItems: 16 })])),
    max_tokens: t.Optional(t.Integer({ minimum: 1 })),
    temperature: t.Optional(t.Number({ minimum: 0, maximum: 2 })),
  },
  { examples: [{ message: 'Which of these is cheapest?\nTin kettle £12.50\nCopper kettle £39.90' }] },
)

export const TurnAnswer = t.Object({
  turnId: id,
  sessionId: id,
  message: SessionMessage,
  finishReason: oneOf(['stop', 'length', 'tool_calls', 'content_filter']),
  usage: Usage,
})

export const SessionPage = t.Object({
  sessions: t.Array(Session),
  nextBefore: t.Union([t.String(), t.Null()], { description: 'Send as `before` for the next page; null = no more.' }),
})

export const SessionWithMessages = t.Object({
  session: Session,
  messages: t.Array(SessionMessage),
  nextAfter: t.Union([t.Integer(), t.Null()], { description: 'Send as `after` for the next page; null = no more.' }),
})

export const pageQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 200 })),
  before: t.Optional(t.String({ pattern: '^[0-9a-f-]{36}$' })),
})

export const messagesQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1000 })),
  after: t.Optional(queryInteger({ minimum: 0, maximum: 10_000_000 })),
})

/** The stream of a turn, for the document. */
export const streamAnswer = {
  200: {
    description:
      'Events: `turn.started`, `text.delta`, `refusal.delta`, `tool_call.started`, `tool_call.delta`, `turn.completed` (the whole answer), then `end`. A failure is an `error` event with a problem. Ids resume.',
    content: {
      'text/event-stream': {
        schema: { type: 'string' as const },
        example: 'id: 01931f6b-7a3c-7000-9f1e-0123456789ab.2\nevent: text.delta\ndata: {"text":"The"}\n\n',
      },
    },
  },
}
