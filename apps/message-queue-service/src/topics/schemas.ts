import { oneOf, queryInteger, t } from '@santaclaude/service/schema'

const dayMs = 86_400_000

export const topicName = t.String({
  pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$',
  description: '1 to 64 of A-Z a-z 0-9 . _ - that begins and ends with a letter or digit.',
  examples: ['orders'],
})
export const topicParams = t.Object({ topic: topicName })

const maxAgeMs = t.Union([t.Integer({ minimum: 1_000, maximum: 3650 * dayMs }), t.Null()], {
  description: 'Events older than this may go, in milliseconds; null = no limit by age. 7 days unless said.',
})
const maxEvents = t.Union([t.Integer({ minimum: 0, maximum: 1_000_000_000 }), t.Null()], {
  description: 'With more events than this the oldest may go; null = no limit by count. 100,000 unless said.',
})
const maxBytes = t.Union([t.Integer({ minimum: 1_000, maximum: 2 ** 50 }), t.Null()], {
  description: 'With more bytes than this in the store the oldest may go; null = no limit by size, as unless said.',
})
const discard = oneOf(['old-acked', 'reject', 'old-unsafe'], {
  description:
    'What gives way at the limits of count and size, which the partitions share equally. `old-acked`: the oldest that every group has settled; the topic grows while nothing is. `reject`: the same, but a publish that finds no room is answered 507 `topic_full`. `old-unsafe`: the oldest, settled or not.',
})
const keepUntilSettled = t.Boolean({
  description: 'Keep everything while the topic has no group. What a group has not settled always stays.',
})
const partitions = t.Integer({
  minimum: 1,
  maximum: 64,
  description:
    'How many parts are ordered and read independently; 4 unless said. It can grow, never shrink: events of one key keep their order, as a group is given what came before first.',
})
const idempotencyWindowMs = t.Integer({
  minimum: 1_000,
  maximum: dayMs,
  description: 'How long a repeated publish is recognised at least, in milliseconds; 10 minutes unless said.',
})

const schema = oneOf(['off', 'warn', 'enforce'], {
  description:
    'What becomes of an event whose data does not fit the schema of its type: nothing · it is counted and told on `mq` · it is refused with `schema_violation`. `off` unless said.',
})

export const Topic = t.Object(
  {
    topic: t.String({ examples: ['orders'] }),
    partitions,
    retention: t.Object({ maxAgeMs, maxEvents, maxBytes, keepUntilSettled, discard }),
    idempotencyWindowMs,
    schema,
    createdAt: t.String({ format: 'date-time' }),
    events: t.Optional(t.Integer({ description: 'How many it holds now.' })),
    delayed: t.Optional(t.Integer({ description: 'How many wait until they are due.' })),
  },
  { description: 'A named log of events of one tenant.' },
)

const retentionWish = t.Object({
  maxAgeMs: t.Optional(maxAgeMs),
  maxEvents: t.Optional(maxEvents),
  maxBytes: t.Optional(maxBytes),
  keepUntilSettled: t.Optional(keepUntilSettled),
  discard: t.Optional(discard),
})

export const TopicWish = t.Object(
  {
    partitions: t.Optional(partitions),
    retention: t.Optional(retentionWish),
    idempotencyWindowMs: t.Optional(idempotencyWindowMs),
    schema: t.Optional(schema),
  },
  { examples: [{ partitions: 4, retention: { maxAgeMs: dayMs } }] },
)

export const TopicChange = t.Object(
  {
    partitions: t.Optional(partitions),
    retention: t.Optional(retentionWish),
    idempotencyWindowMs: t.Optional(idempotencyWindowMs),
    schema: t.Optional(schema),
  },
  { minProperties: 1, examples: [{ retention: { maxEvents: 1_000_000 } }, { partitions: 16 }] },
)

export const TopicPage = t.Object({
  topics: t.Array(t.Ref('Topic')),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})

export const topicPageQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1_000, description: 'Topics a page; 100 unless said.' })),
  after: t.Optional(t.String({ maxLength: 64, description: 'The next of the page before.' })),
})
