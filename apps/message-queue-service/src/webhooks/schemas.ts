import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import { Group, Lag } from '../groups/schemas.ts'
import { topicName } from '../topics/schemas.ts'
import { bodyModes } from './message.ts'
import { failures, responseCharsMax } from './sender/port.ts'
import { disabledReasons, results, triggers } from './store/port.ts'

const dayMs = 86_400_000
const time = t.String({ format: 'date-time', examples: ['2026-11-23T12:00:00.000Z'] })
const id = t.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', description: 'UUIDv7.' })
const attemptId = t.String({ pattern: '^\\d{1,16}-\\d{1,20}$', examples: ['1764032096789-0'] })
export const idParams = t.Object({ id })
export const attemptParams = t.Object({ id, attempt: attemptId })

const url = t.String({
  minLength: 1,
  maxLength: 2_048,
  description:
    'Where messages go, by POST. An https: address on the public internet; a name is judged by what it resolves to, each time a connection is made.',
  examples: ['https://example.com/hooks'],
})
const settings = {
  description: t.String({ maxLength: 512, description: 'For people.', examples: ['Billing'] }),
  types: t.Array(t.String({ minLength: 1, maxLength: 257 }), {
    maxItems: 64,
    description: 'Event types that are sent: exact ones, or beginnings such as `ai.*`. Empty = all.',
    examples: [['ai.*', 'shop.order.placed']],
  }),
  where: t.Union([t.String({ minLength: 1, maxLength: 2_048 }), t.Null()], {
    description: 'A condition events must meet, in the grammar of a group’s filter; null = none.',
    examples: ['data.total >= 100 and data.country in ["DE", "AT"]'],
  }),
  mode: oneOf(bodyModes, {
    description:
      '`structured`: the body is the CloudEvent as JSON. `binary`: the body is its data, its attributes are `ce-` headers.',
  }),
  timeoutMs: t.Integer({
    minimum: 1_000,
    maximum: 60_000,
    description: 'How long an attempt may take, in milliseconds; 15 s unless said.',
  }),
  retryMs: t.Array(t.Integer({ minimum: 0, maximum: dayMs }), {
    maxItems: 20,
    description:
      'The pauses before the second, third … attempt, in milliseconds, each up to a fifth longer by chance; 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h unless said. After the last the message is a dead letter of the group.',
  }),
  concurrency: t.Integer({ minimum: 1, maximum: 64, description: 'Messages on their way at once; 8 unless said.' }),
  disableAfterMs: t.Union([t.Integer({ minimum: 60_000, maximum: 365 * dayMs }), t.Null()], {
    description: 'An endpoint that only failed for this long is disabled; 5 days unless said, null = never.',
  }),
}

export const Subscription = t.Object(
  {
    id,
    topic: t.String({ examples: ['orders'] }),
    group: t.String({ description: 'The consumer group it delivers from: its leases, dead letters and lag.' }),
    ordering: Group.properties.ordering,
    url,
    ...settings,
    status: oneOf(['enabled', 'disabled']),
    disabledReason: t.Optional(
      oneOf(disabledReasons, {
        description:
          '`requested` by its tenant · `gone`: the endpoint answered 410 · `failing` for too long · `topic_deleted`.',
      }),
    ),
    disabledAt: t.Optional(time),
    publicKeys: t.Array(t.Object({ key: t.String({ examples: ['whpk_…'] }), until: t.Optional(time) }), {
      description: 'Verify `v1a` signatures; an old one until the end of its overlap.',
    }),
    recovery: t.Optional(t.Ref('Recovery')),
    endpoint: t.Optional(
      t.Object({
        state: oneOf(['well', 'failing', 'held', 'circuit_open'], {
          description:
            '`held`: it asked to be left alone (429, Retry-After). `circuit_open`: it failed ten times in a row and is tried again with one message at `until`.',
        }),
        failures: t.Integer({ description: 'Since the last success.' }),
        until: t.Optional(time),
        failingSince: t.Optional(time),
      }),
    ),
    lag: t.Optional(Lag),
    createdAt: time,
    changedAt: time,
  },
  { description: 'Events of a topic, sent to an endpoint as webhooks.' },
)

const secret = t.String({
  description: 'Verifies `v1` signatures. Shown here and not again.',
  examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
})
export const CreatedSubscription = t.Object({ ...Subscription.properties, secret })
export const SubscriptionPage = t.Object({
  subscriptions: t.Array(t.Ref('Subscription')),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})
export const subscriptionPageQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 200, description: 'Subscriptions a page; 50 unless said.' })),
  after: t.Optional(id),
})

const wishes = {
  description: t.Optional(settings.description),
  types: t.Optional(settings.types),
  where: t.Optional(settings.where),
  mode: t.Optional(settings.mode),
  timeoutMs: t.Optional(settings.timeoutMs),
  retryMs: t.Optional(settings.retryMs),
  concurrency: t.Optional(settings.concurrency),
  disableAfterMs: t.Optional(settings.disableAfterMs),
}
export const SubscriptionWish = t.Object(
  {
    topic: topicName,
    url,
    ...wishes,
    group: t.Optional({
      ...topicName,
      description: 'A group of the topic to share with its other consumers; one of its own unless said.',
      examples: ['billing'],
    }),
    ordering: t.Optional(Group.properties.ordering),
    start: t.Optional(
      t.Union([oneOf(['latest', 'earliest']), t.String({ format: 'date-time' })], {
        description: 'Where a new group starts: `latest` (unless said), `earliest`, or a time.',
      }),
    ),
  },
  { examples: [{ topic: 'orders', url: 'https://example.com/hooks', types: ['shop.*'] }] },
)
export const SubscriptionChange = t.Object(
  { url: t.Optional(url), ...wishes },
  { minProperties: 1, examples: [{ types: ['shop.order.*'], concurrency: 16 }] },
)

export const RotateWish = t.Object(
  {
    overlapMs: t.Optional(
      t.Integer({
        minimum: 0,
        maximum: 7 * dayMs,
        description: 'How long old and new sign together, in milliseconds; 24 h unless said, 0 = the old ends now.',
      }),
    ),
  },
  { examples: [{ overlapMs: dayMs }] },
)
export const Rotated = t.Object({
  secret,
  publicKey: t.String({ examples: ['whpk_…'] }),
  overlapUntil: time,
})

export const Recovery = t.Object({
  since: time,
  until: t.String({ format: 'date-time', description: 'What came later goes its ordinary way.' }),
  state: oneOf(['running', 'finished']),
  startedAt: time,
  endedAt: t.Optional(time),
  failed: t.Optional(t.Integer({ description: 'Events that could not be delivered again.' })),
})
export const RecoverWish = t.Object({ since: time })

export const TestWish = t.Object(
  {
    type: t.Optional(t.String({ minLength: 1, maxLength: 256, description: '`mq.subscription.tested` unless said.' })),
    data: t.Optional(t.Any({ description: 'Any JSON.' })),
  },
  { examples: [{ type: 'shop.order.placed', data: { order: 1041 } }] },
)

export const Attempt = t.Object(
  {
    id: attemptId,
    at: time,
    trigger: oneOf(triggers, { description: 'What had it made.' }),
    number: t.Integer({ description: '1 = the first for this message.' }),
    webhookId: t.String({ description: 'The `webhook-id` header: the same at every attempt of this message.' }),
    event: t.Object({ id: t.String(), type: t.String(), source: t.String() }),
    place: t.Optional(t.Object({ partition: t.Integer(), streamId: t.String() })),
    url,
    result: oneOf(results, {
      description: '`pending`: another attempt follows · `dead`: none does · `failed`: a test or a retry that failed.',
    }),
    status: t.Optional(t.Integer({ description: 'Of the answer; absent when there was none.' })),
    failure: t.Optional(oneOf(failures, { description: 'Why there was no answer.' })),
    latencyMs: t.Integer(),
    response: t.String({ description: `The beginning of the answer, up to ${responseCharsMax} characters.` }),
    nextAt: t.Optional(time),
  },
  { description: 'One message sent once.' },
)
export const AttemptPage = t.Object({
  attempts: t.Array(t.Ref('Attempt')),
  next: t.Optional(t.String({ description: 'Give it as before for the next page; absent on the last one.' })),
})
export const attemptPageQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 200, description: 'Attempts a page; 50 unless said.' })),
  before: t.Optional(attemptId),
  result: t.Optional(oneOf(results)),
})
