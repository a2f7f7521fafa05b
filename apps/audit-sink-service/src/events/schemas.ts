import { outcomes } from '@santaclaude/audit/record'
import { oneOf, queryInteger, t } from '@santaclaude/service/schema'

const time = (description: string) =>
  t.String({ format: 'date-time', description, examples: ['2026-11-23T12:34:56.789Z'] })
const words = (maxLength: number, description: string, example: string) =>
  t.String({ minLength: 1, maxLength, description, examples: [example] })
const uuid = (description: string) =>
  t.String({ format: 'uuid', description, examples: ['019ab3f0-5f2e-7c3a-9d1e-3f1c2b4a5d6e'] })
const type = (description: string, example: string) =>
  t.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', description, examples: [example] })
const action = t.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$',
  description: 'What was done: dotted words, from the general to the particular.',
  examples: ['invoice.payment.approved'],
})
const outcome = oneOf(outcomes, { description: 'How it ended; `denied` when it was not allowed.' })
const traceId = t.String({
  pattern: '^[0-9a-f]{32}$',
  description: 'W3C trace id.',
  examples: ['0af7651916cd43dd8448eb211c80319c'],
})

const actor = t.Object(
  {
    type: type('The kind of actor.', 'user'),
    id: words(256, 'Which one.', 'ada'),
    name: t.Optional(words(256, 'How people call it.', 'Ada Lovelace')),
  },
  { description: 'Who did it.' },
)
const target = t.Object(
  { type: type('The kind of thing.', 'invoice'), id: words(512, 'Which one.', '2026-0042') },
  { description: 'What it was done to.' },
)
const free = (description: string) =>
  t.Object({}, { additionalProperties: true, description, examples: [{ amount: '120.00', currency: 'EUR' }] })
const context = {
  requestId: t.Optional(words(128, 'The request it happened in.', 'req-7')),
  traceId: t.Optional(traceId),
  sessionId: t.Optional(words(128, 'The session it belongs to.', '019ab3f0-5f2e-7c3a-9d1e-0000000000aa')),
  parentId: t.Optional(uuid('The event this one follows from.')),
  ip: t.Optional(
    t.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$', description: 'IPv4 or IPv6 address.', examples: ['192.0.2.7'] }),
  ),
  userAgent: t.Optional(words(512, 'The client it came through.', 'Mozilla/5.0')),
}

const eventExample = {
  actor: { type: 'user', id: 'ada', name: 'Ada Lovelace' },
  action: 'invoice.payment.approved',
  outcome: 'success',
  target: { type: 'invoice', id: '2026-0042' },
  data: { amount: '120.00', currency: 'EUR' },
}

export const NewEvent = t.Object(
  {
    id: t.Optional(uuid('Your own id. Sending the same event under it again adds nothing. Made when absent.')),
    occurredAt: t.Optional(time('When it happened; now when absent.')),
    actor: t.Optional(actor),
    action,
    outcome,
    target,
    source: t.Optional(
      words(256, 'The system that says so; `key:<name>` when absent. Must not begin with `/`.', 'billing'),
    ),
    ...context,
    data: t.Optional(free('Whatever else belongs to it. Text and numbers come back as they went in.')),
  },
  {
    description:
      'Something that happened. The actor is the calling key when absent; the tenant is always that of the key.',
    examples: [eventExample],
  },
)

export const NewEvents = t.Object({
  events: t.Array(NewEvent, {
    minItems: 1,
    maxItems: 1000,
    description: 'In the order they happened.',
    examples: [[eventExample]],
  }),
})

const status = oneOf(['appended', 'duplicate', 'conflict'], {
  description: '`duplicate`: it was there already. `conflict`: another event has this id, and this one was not taken.',
})
export const Receipt = t.Object({ id: uuid('The id of the event.'), status })
export const Receipts = t.Object({
  receipts: t.Array(Receipt, { description: 'One for each event, in order.' }),
})

export const Event = t.Object(
  {
    id: uuid('The id of the event.'),
    occurredAt: time('When it happened.'),
    receivedAt: time('When the log took it.'),
    tenant: t.String(),
    actor,
    action,
    outcome,
    target,
    source: words(256, 'Who says so; `/<service>` for the services of the platform.', '/ai-service'),
    ...context,
    data: free('Whatever else belongs to it.'),
  },
  // A newer service may have written more into a record than this one knows of.
  { additionalProperties: true, description: 'A stored audit record.' },
)
export const EventPage = t.Object({
  events: t.Array(Event),
  next: t.Optional(t.String({ description: 'Give it as `cursor` for the next page; absent on the last one.' })),
})

export const SearchQuery = t.Object({
  from: t.Optional(time('Only events that occurred at this time or later.')),
  to: t.Optional(time('Only events that occurred before this time.')),
  actorType: t.Optional(type('Only actors of this kind.', 'user')),
  actorId: t.Optional(words(256, 'Only this actor.', 'ada')),
  action: t.Optional(
    t.String({
      pattern: '^([A-Za-z0-9][A-Za-z0-9._:/-]{0,127})?\\*?$',
      description: 'Only this action, or all that begin like this when it ends in `*`.',
      examples: ['invoice.*'],
    }),
  ),
  outcome: t.Optional(outcome),
  targetType: t.Optional(type('Only targets of this kind.', 'invoice')),
  targetId: t.Optional(words(512, 'Only this target.', '2026-0042')),
  sessionId: t.Optional(words(128, 'Only events of this session.', '019ab3f0-5f2e-7c3a-9d1e-0000000000aa')),
  requestId: t.Optional(words(128, 'Only events of this request.', 'req-7')),
  traceId: t.Optional(traceId),
  source: t.Optional(words(256, 'Only events of this source.', '/ai-service')),
  q: t.Optional(words(200, 'Only events that hold this text anywhere, upper and lower case alike.', 'EUR')),
  order: t.Optional(oneOf(['newest', 'oldest'], { description: 'Which come first; newest unless said.' })),
  cursor: t.Optional(
    t.String({ maxLength: 200, description: 'The `next` of the page before, with the same filters.' }),
  ),
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1000, description: 'Events a page; 100 unless said.' })),
})

export const IdParams = t.Object({ id: uuid('The id of the event.') })
