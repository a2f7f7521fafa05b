import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import { groupParams } from '../groups/schemas.ts'
import { topicName } from '../topics/schemas.ts'

const place = t.String({
  maxLength: 64,
  description: 'Names the dead letter.',
  examples: ['0.1764032096789-0'],
})
export const letterParams = t.Object({ ...groupParams.properties, letter: place })
export const redriveParams = t.Object({ ...groupParams.properties, redrive: t.String({ format: 'uuid' }) })

const typeText = t.String({ minLength: 1, maxLength: 255 })
const where = t.String({
  minLength: 1,
  maxLength: 4_096,
  description: 'A condition on attributes and data, as in a group’s filter.',
})
const reason = t.String({ minLength: 1, maxLength: 1_024, description: 'A text that stands somewhere in the reason.' })
const since = t.String({ format: 'date-time', description: 'Died at this time or later.' })
const until = t.String({ format: 'date-time', description: 'Died before this time.' })

const whichQuery = {
  type: t.Optional(
    t.String({ maxLength: 2_048, description: 'Event types, with commas between; `shop.*` fits a beginning.' }),
  ),
  where: t.Optional(where),
  reason: t.Optional(reason),
  since: t.Optional(since),
  until: t.Optional(until),
}
export const letterQuery = t.Object({
  ...whichQuery,
  order: t.Optional(oneOf(['newest', 'oldest'], { description: 'Which come first; `newest` unless said.' })),
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1_000, description: 'Letters a page; 100 unless said.' })),
  after: t.Optional(t.String({ maxLength: 64, description: 'The next of the page before, in the same order.' })),
})
export const deleteQuery = t.Object(whichQuery)

export const DeadLetter = t.Object({
  id: place,
  partition: t.Integer(),
  streamId: t.String({ description: 'Where the event lay in its topic.' }),
  deliveries: t.Integer(),
  reason: t.String(),
  deadAt: t.String({ format: 'date-time' }),
  event: t.Ref('CloudEvent'),
})
export const DeadLetterList = t.Object({
  deadLetters: t.Array(t.Ref('DeadLetter')),
  next: t.Optional(
    t.String({ description: 'Give it as after for the next page; absent on the last one. A page may be short.' }),
  ),
})
export const DeletedLetters = t.Object({
  deleted: t.Integer(),
  isMore: t.Boolean({ description: 'True when letters that fit may be left: a call deletes at most 1,000.' }),
})

export const RedriveWish = t.Object(
  {
    types: t.Optional(t.Array(typeText, { minItems: 1, maxItems: 64, description: '`shop.*` fits a beginning.' })),
    where: t.Optional(where),
    reason: t.Optional(reason),
    since: t.Optional(since),
    until: t.Optional(until),
    target: t.Optional({ ...topicName, description: 'A topic to move them to; back into their group unless said.' }),
    ratePerSecond: t.Optional(
      t.Integer({ minimum: 1, maximum: 10_000, description: 'Letters a second at most; 100 unless said.' }),
    ),
    dryRun: t.Optional(t.Boolean({ description: 'Move nothing; say what would be moved.' })),
  },
  { examples: [{ types: ['shop.*'], reason: 'timeout', ratePerSecond: 50, dryRun: true }] },
)

export const RedrivePreview = t.Object({
  count: t.Integer({ description: 'Letters that would be moved.' }),
  isCountComplete: t.Boolean({ description: 'False when there are more than were counted.' }),
  sample: t.Array(t.Ref('DeadLetter'), { description: 'The oldest of them, ten at most.' }),
})

export const Redrive = t.Object({
  redrive: t.String({ format: 'uuid' }),
  topic: t.String(),
  group: t.String(),
  target: t.Optional(t.String()),
  state: oneOf(['running', 'done', 'stopped', 'failed']),
  moved: t.Integer({ description: 'Letters moved so far; counted in the step that moves them.' }),
  ratePerSecond: t.Integer(),
  createdAt: t.String({ format: 'date-time' }),
  endedAt: t.Optional(t.String({ format: 'date-time' })),
  code: t.Optional(t.String({ description: 'Why it failed.' })),
})
export const RedriveList = t.Object({ redrives: t.Array(t.Ref('Redrive')) })
