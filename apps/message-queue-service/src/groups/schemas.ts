import { oneOf, t } from '@santaclaude/service/schema'
import { topicName } from '../topics/schemas.ts'

export const groupParams = t.Object({ topic: topicName, group: topicName })

const leaseMs = t.Integer({
  minimum: 1_000,
  maximum: 43_200_000,
  description: 'How long a delivery is kept from others without an answer, in milliseconds; 30 s unless said.',
})
const deliveriesMax = t.Integer({
  minimum: 1,
  maximum: 1_000,
  description: 'After this many deliveries without an ack an event moves to the dead letters; 10 unless said.',
})
const delay = t.Integer({ minimum: 0, maximum: 86_400_000 })
const backoffMs = t.Array(delay, {
  maxItems: 32,
  description: 'The pause before each redelivery in turn, in milliseconds, the last one repeating; none unless said.',
})

const inFlightMax = t.Union([t.Integer({ minimum: 1, maximum: 1_000_000 }), t.Null()], {
  description:
    'Deliveries under lease at once over all consumers, at most; null = any number, which is so unless said.',
})
const ordering = oneOf(['none', 'key', 'partition'], {
  description:
    '`key`: of the events of one partition key only the oldest unsettled one is ever delivered; events without a key run free. `partition`: the same for a whole partition. `none` unless said; fixed when the group is made.',
})
export const FilterWish = t.Object({
  types: t.Optional(
    t.Array(t.String({ minLength: 1, maxLength: 257 }), {
      maxItems: 64,
      description: 'Event types: exact, or a prefix such as `ai.*`. One of them must fit.',
    }),
  ),
  where: t.Optional(
    t.String({
      maxLength: 2_048,
      description:
        'A condition: `path = literal` (also != < <= > >=, `^=` begins with, `has` for lists, `in [..]`), `exists path`, joined by and, or, not and parentheses. A path begins with `data` or an attribute.',
    }),
  ),
})
const filter = t.Union([FilterWish, t.Null()], {
  description:
    'Which events the group wants; the others count as settled for it. null = all, which is so unless said. What cannot be read is answered 400 `invalid_filter` with its place.',
  examples: [{ types: ['shop.order.*'], where: 'data.total >= 100 and data.country in ["DE", "AT"]' }],
})

export const Group = t.Object(
  {
    group: t.String({ examples: ['billing'] }),
    topic: t.String({ examples: ['orders'] }),
    leaseMs,
    deliveriesMax,
    backoffMs,
    inFlightMax,
    ordering,
    filter,
    paused: t.Boolean({ description: 'While true nothing is handed out; what is under lease can be settled.' }),
    createdAt: t.String({ format: 'date-time' }),
  },
  { description: 'A consumer group: each event goes to one of its consumers, and stays until it is settled.' },
)
export const GroupList = t.Object({ groups: t.Array(t.Ref('Group')) })

export const GroupWish = t.Object(
  {
    start: t.Optional(
      t.String({
        maxLength: 4_096,
        description:
          'Where a new group starts: `earliest` (unless said), `latest`, or a cursor. A group that exists stays where it is.',
      }),
    ),
    since: t.Optional(
      t.String({
        format: 'date-time',
        description: 'Where a new group starts: at the first event not older than this.',
      }),
    ),
    leaseMs: t.Optional(leaseMs),
    deliveriesMax: t.Optional(deliveriesMax),
    backoffMs: t.Optional(backoffMs),
    inFlightMax: t.Optional(inFlightMax),
    ordering: t.Optional(ordering),
    filter: t.Optional(filter),
  },
  {
    examples: [
      {
        start: 'earliest',
        leaseMs: 30_000,
        deliveriesMax: 5,
        backoffMs: [1_000, 10_000],
        ordering: 'key',
        filter: { types: ['shop.order.*'], where: 'data.total >= 100' },
      },
    ],
  },
)

export const SeekWish = t.Object(
  {
    to: t.Optional(t.String({ maxLength: 4_096, description: '`earliest`, `latest`, or a cursor.' })),
    since: t.Optional(t.String({ format: 'date-time', description: 'The first event not older than this.' })),
    partition: t.Optional(t.Integer({ minimum: 0, maximum: 255, description: 'With streamId: only this one moves.' })),
    streamId: t.Optional(
      t.String({ pattern: '^[0-9]{1,15}-[0-9]{1,15}$', description: 'The event to be delivered next.' }),
    ),
  },
  { minProperties: 1, examples: [{ to: 'earliest' }] },
)

export const PullWish = t.Object(
  {
    max: t.Optional(t.Integer({ minimum: 1, maximum: 1_000, description: 'Events at most; 10 unless said.' })),
    waitMs: t.Optional(
      t.Integer({ minimum: 0, maximum: 30_000, description: 'How long to wait for the first event; 0 unless said.' }),
    ),
    leaseMs: t.Optional(
      t.Integer({
        minimum: 1_000,
        maximum: 43_200_000,
        description: 'The lease of these deliveries, if not the group’s.',
      }),
    ),
    maxBytes: t.Optional(
      t.Integer({
        minimum: 1,
        maximum: 67_108_864,
        description: 'Bytes of all events together at most; the first one comes whatever its size.',
      }),
    ),
  },
  { examples: [{ max: 100, waitMs: 20_000 }] },
)

export const Delivery = t.Object({
  receipt: t.String({ description: 'Names this delivery. Opaque; settle with it before the lease ends.' }),
  deliveries: t.Integer({ description: '1 = the first time.' }),
  partition: t.Integer(),
  streamId: t.String(),
  event: t.Ref('CloudEvent'),
})
export const Pulled = t.Object({ deliveries: t.Array(t.Ref('Delivery')) })

const receipt = t.String({ minLength: 1, maxLength: 128 })
const reason = t.Optional(t.String({ maxLength: 1_024, description: 'Kept with the dead letter.' }))
export const SettleWish = t.Object(
  {
    settlements: t.Array(
      t.Object({
        receipt,
        op: oneOf(['ack', 'nack', 'extend', 'term'], {
          description:
            '`ack` done · `nack` give back, for redelivery after delayMs or the group’s backoff · `extend` the lease starts anew · `term` never again: to the dead letters.',
        }),
        delayMs: t.Optional(delay),
        leaseMs: t.Optional(
          t.Integer({ minimum: 1_000, maximum: 43_200_000, description: 'For extend: how long, if not the group’s.' }),
        ),
        reason,
      }),
      { minItems: 1, maxItems: 1_000 },
    ),
  },
  { examples: [{ settlements: [{ receipt: '0.k3Jx9a.1764032096789-0.1', op: 'ack' }] }] },
)

export const SettleResults = t.Object({
  results: t.Array(
    t.Object({
      receipt: t.String(),
      ok: t.Boolean(),
      dead: t.Optional(t.Boolean({ description: 'True when this moved the event to the dead letters.' })),
      code: t.Optional(
        oneOf(['lease_lost', 'bad_receipt'], {
          description: '`lease_lost`: another delivery has taken its place, or it was settled; nothing was changed.',
        }),
      ),
    }),
    { description: 'One per settlement, in the order they were sent.' },
  ),
})

export const Lag = t.Object({
  events: t.Integer({ description: 'Not settled: ready, leased and parked together.' }),
  seconds: t.Number({ description: 'Age of the oldest event that is not settled, in seconds; 0 when all are.' }),
  ready: t.Integer({ description: 'Not delivered yet.' }),
  leased: t.Integer({ description: 'Delivered, lease running.' }),
  parked: t.Integer({ description: 'Given back or expired, waiting for redelivery.' }),
  dead: t.Integer({ description: 'In the dead letters.' }),
  filtered: t.Integer({ description: 'Settled by the filter of the group, ever.' }),
  expired: t.Integer({ description: 'Settled because their time was over before they could be delivered, ever.' }),
  oldestUnsettledMs: t.Integer({ description: 'Age of the oldest event that is not settled; 0 when all are.' }),
})
