import { room } from '@santaclaude/service/room'
import { queryInteger, t } from '@santaclaude/service/schema'
import type { Archive } from '../store/port.ts'
import { listQuarantine } from './list.ts'

const QuarantinedEntry = t.Object({
  eventId: t.String({ description: 'The id it came under.' }),
  receivedAt: t.String({ format: 'date-time', description: 'When the log took it.' }),
  reason: t.String({ description: 'Why it is no record.', examples: ['is not in canonical form'] }),
  text: t.String({ description: 'What was in the log, as it was.' }),
  place: t.Object({ partition: t.Integer(), streamId: t.String() }, { description: 'Where it lay in the log.' }),
})

/** What came through the log and is no audit record: kept with its reason instead of holding up the rest. */
export const quarantine = ({ archive }: { archive: Archive }) =>
  room('/v1/quarantine')
    .model({ Quarantine: t.Object({ entries: t.Array(QuarantinedEntry) }) })
    .get(
      '',
      async ({ query: { limit = 100 }, who }) => ({ entries: await listQuarantine(archive, who.tenant, limit) }),
      {
        scope: 'audit:admin',
        query: t.Object({
          limit: t.Optional(
            queryInteger({ minimum: 1, maximum: 1000, description: 'Entries at most; 100 unless said.' }),
          ),
        }),
        response: { 200: 'Quarantine' },
        detail: { summary: 'List what could not be stored as a record', description: 'Newest first.' },
      },
    )
