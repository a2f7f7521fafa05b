import { oneOf, queryBoolean, queryInteger, t } from '@santaclaude/service/schema'

const sample = {
  specversion: '1.0',
  id: '0199d3c0-6f5e-7c1a-9b2f-6f1f3f9f8a10',
  source: '/shop',
  type: 'shop.order.placed',
  data: { order: 1041 },
}

/** A CloudEvent in its JSON form. Extensions stand beside the named attributes. */
export const CloudEvent = t.Object(
  {
    specversion: t.Literal('1.0'),
    id: t.String(),
    source: t.String(),
    type: t.String(),
    time: t.Optional(t.String({ format: 'date-time' })),
    subject: t.Optional(t.String()),
    datacontenttype: t.Optional(t.String()),
    tenant: t.Optional(t.String()),
    partitionkey: t.Optional(t.String({ description: 'Events with one key keep their order.' })),
    traceparent: t.Optional(t.String()),
    data: t.Optional(t.Any({ description: 'Any JSON, handed on byte for byte.' })),
  },
  {
    additionalProperties: true,
    examples: [sample],
  },
)

const place = {
  partition: t.Integer({ minimum: 0 }),
  streamId: t.String({
    description: 'Where it lies in its partition; strictly increasing.',
    examples: ['1764032096789-0'],
  }),
}

const id = t.String({
  description:
    'The id of the event, made here when it came without one; under an Idempotency-Key the same at every retry.',
})
const duplicate = t.Boolean({
  description: 'True when the same publish had come before; the place is the first one’s.',
})
const durability = t.String({
  description:
    'What was really reached: `memory`, `aof` (in the append-only file) or `fsync` (on disk), and `replicas=N` when replicas confirmed.',
  examples: ['aof', 'fsync, replicas=1'],
})

export const PublishedEvent = t.Object({
  id,
  ...place,
  duplicate,
  durability,
})

export const DelayedEvent = t.Object({
  id,
  partition: place.partition,
  dueAt: t.String({ format: 'date-time', description: 'When it becomes readable, by the clock of the store.' }),
  duplicate,
  durability,
})

const RefusedEvent = t.Object({ id: t.String(), code: oneOf(['idempotency_conflict', 'topic_full']) })

export const PublishedBatch = t.Object({
  results: t.Array(t.Union([t.Ref('PublishedEvent'), t.Ref('DelayedEvent'), RefusedEvent]), {
    description: 'One per event, in the order they were sent.',
  }),
})

export const StoredEvent = t.Object({ ...place, event: t.Ref('CloudEvent') })

export const Gap = t.Object(
  {
    partition: t.Integer(),
    reason: oneOf(['trimmed', 'epoch_changed']),
    from: t.String({ description: 'Where the reader stood.' }),
    to: t.String({ description: 'Reading goes on after this place.' }),
  },
  {
    description:
      'Events between two places that could not be read: retention removed them, or the partition began anew.',
  },
)

export const EventPage = t.Object({
  events: t.Array(t.Ref('StoredEvent')),
  cursor: t.String({ description: 'Give it as from for the next page.' }),
  isEnd: t.Boolean({ description: 'Nothing more lay in the topic when this page was read.' }),
  gaps: t.Array(t.Ref('Gap')),
})

export const startQuery = {
  from: t.Optional(
    t.String({
      maxLength: 4_096,
      description: '`earliest`, `latest`, or a cursor from an earlier answer.',
      examples: ['earliest'],
    }),
  ),
  since: t.Optional(
    t.String({
      format: 'date-time',
      description: 'Start at the first event published at this time or later. Not together with from.',
    }),
  ),
}

export const pageQuery = t.Object({
  ...startQuery,
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1_000, description: 'Events a page; 100 unless said.' })),
})

export const publishQuery = t.Object({
  atomic: t.Optional(
    queryBoolean({
      description: 'Keep all events of the request or none; they must share a partition. At most 1,000.',
    }),
  ),
})

const header = (name: string, description: string, example: string) => ({
  ...{ name, in: 'header' as const, required: false, description, example },
  schema: { type: 'string' as const },
})

/** The headers a publish request may carry, for the document; `wishes.ts` reads them. */
export const publishHeaders = [
  header('Idempotency-Key', 'Names this publish: repeating it within the topic’s window adds nothing.', 'order-1041'),
  header('Mq-Partition-Key', 'The `partitionkey` of events that have none: those of one key keep their order.', 'c-7'),
  header('Mq-Ttl', 'Events are not delivered any more after this long: milliseconds, or with ms, s, m, h, d.', '10m'),
  header('Mq-Delay', 'Events become readable after this long: milliseconds, or with ms, s, m, h, d.', '30s'),
  header('Mq-Deliver-At', 'Events become readable at this time (RFC 3339).', '2027-01-01T00:00:00Z'),
  header(
    'Mq-Durability',
    'The least to reach before the answer: `memory`, `aof`, `fsync`, `replicas=N`.',
    'replicas=1',
  ),
  header('Mq-Expected-Last-Id', 'Keep only when this is the last `streamId` of the partition.', '0-0'),
]

const event = { $ref: '#/components/schemas/CloudEvent' }
const shorthand = {
  type: 'object' as const,
  required: ['type'],
  description: 'The shorthand: what is left out is filled in.',
  properties: {
    type: { type: 'string' as const },
    data: {},
    subject: { type: 'string' as const },
    partitionkey: { type: 'string' as const },
  },
}

/** The forms a publish request may take, for the document: the body is read by `arriving.ts`, not by a schema. */
export const publishBody = {
  required: true,
  description:
    'One event or many. In binary mode the attributes are `ce-` headers and the body, of any type, is the data. NDJSON holds one event a line; it is kept as it arrives and answered line by line, so it may have 256 MiB.',
  content: {
    'application/json': {
      schema: { oneOf: [shorthand, event, { type: 'array' as const, items: { oneOf: [shorthand, event] } }] },
      examples: {
        shorthand: { value: { type: 'shop.order.placed', data: { order: 1041 }, partitionkey: 'customer-7' } },
        several: {
          value: [
            { type: 'shop.order.placed', data: 1 },
            { type: 'shop.order.paid', data: 1 },
          ],
        },
      },
    },
    'application/cloudevents+json': { schema: event, example: sample },
    'application/cloudevents-batch+json': { schema: { type: 'array' as const, items: event }, example: [sample] },
    'application/x-ndjson': {
      schema: { type: 'string' as const },
      example: '{"type":"shop.order.placed","data":1}\n{"type":"shop.order.paid","data":1}\n',
    },
  },
}
