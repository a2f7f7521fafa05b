import { oneOf, queryInteger, t } from '@santaclaude/service/schema'

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

export const PublishedEvent = t.Object({
  id: t.String({ description: 'The id of the event, made here when it came without one.' }),
  ...place,
  duplicate: t.Boolean({ description: 'True when the same publish had come before; the place is the first one’s.' }),
})

const RefusedEvent = t.Object({ id: t.String(), code: oneOf(['idempotency_conflict', 'topic_full']) })

export const PublishedBatch = t.Object({
  results: t.Array(t.Union([t.Ref('PublishedEvent'), RefusedEvent]), {
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
    'One event or many. In binary mode the attributes are `ce-` headers and the body, of any type, is the data. NDJSON holds one event a line.',
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
