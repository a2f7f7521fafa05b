import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import { topicName } from '../topics/schemas.ts'

export const scheduleParams = t.Object({ name: { ...topicName, examples: ['nightly-report'] } })

const event = t.Object(
  {
    type: t.String({ minLength: 1, maxLength: 256, examples: ['shop.report.due'] }),
    data: t.Optional(t.Any({ description: 'Any JSON.' })),
    subject: t.Optional(t.String({ minLength: 1, maxLength: 1_024 })),
    partitionkey: t.Optional(
      t.String({ minLength: 1, maxLength: 256, description: 'The name of the schedule unless said.' }),
    ),
  },
  {
    description:
      'What each firing publishes. Its `time` is the due time, its `id` is the same however often a firing is tried, and the attribute `schedule` names the schedule.',
  },
)
const at = t.String({ format: 'date-time', description: 'Fire once, then.' })
const everyMs = t.Integer({
  minimum: 1_000,
  maximum: 366 * 86_400_000,
  description: 'Fire every so often, in milliseconds, counted from when this was set.',
})
const cron = t.String({
  minLength: 1,
  maxLength: 256,
  description:
    'Minute, hour, day of month, month, day of week; or six fields with seconds first. A time that a clock change leaves out comes right after it.',
  examples: ['0 7 * * 1-5'],
})
const timezone = t.String({
  minLength: 1,
  maxLength: 64,
  description: 'An IANA time zone for the cron line; UTC unless said.',
  examples: ['Europe/Berlin'],
})
const missed = oneOf(['skip', 'one', 'all'], {
  description:
    'What becomes of firings more than a minute late, because nobody could fire them: none, one for all of them (unless said), or each, the last 100 at most.',
})

export const ScheduleWish = t.Object(
  {
    topic: topicName,
    event,
    at: t.Optional(at),
    everyMs: t.Optional(everyMs),
    cron: t.Optional(cron),
    timezone: t.Optional(timezone),
    missed: t.Optional(missed),
  },
  {
    description: 'One of at, everyMs and cron.',
    examples: [
      {
        topic: 'orders',
        event: { type: 'shop.report.due', data: { kind: 'daily' } },
        cron: '0 7 * * 1-5',
        timezone: 'Europe/Berlin',
      },
    ],
  },
)

export const Schedule = t.Object({
  name: t.String(),
  topic: t.String(),
  event,
  at: t.Optional(at),
  everyMs: t.Optional(everyMs),
  cron: t.Optional(cron),
  timezone: t.Optional(timezone),
  missed,
  state: oneOf(['active', 'paused', 'finished']),
  next: t.Array(t.String({ format: 'date-time' }), { description: 'The next five firings.' }),
  fired: t.Integer(),
  skipped: t.Integer({ description: 'Missed firings that were let go.' }),
  failed: t.Integer({ description: 'Firings that the topic refused.' }),
  lastFiredAt: t.Optional(t.String({ format: 'date-time' })),
  code: t.Optional(t.String({ description: 'Why the last firing was refused.' })),
  createdAt: t.String({ format: 'date-time' }),
})
export const ScheduleList = t.Object({
  schedules: t.Array(t.Ref('Schedule')),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})
export const scheduleQuery = t.Object({
  limit: t.Optional(queryInteger({ minimum: 1, maximum: 1_000, description: 'Schedules a page; 100 unless said.' })),
  after: t.Optional(t.String({ maxLength: 64, description: 'The next of the page before.' })),
})
