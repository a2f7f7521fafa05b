import { room } from '@santaclaude/service/room'
import { groupParams as params } from '../groups/schemas.ts'
import type { QueuePorts } from '../ports.ts'
import { explain } from './explain.ts'
import { listPending } from './pending.ts'
import { Explanation, PendingPage, pendingQuery } from './schemas.ts'

const scope = 'events:consume'

/** Why nothing comes, and what is out with whom. */
export const explanations = (ports: Pick<QueuePorts, 'log'>) =>
  room('/v1/topics/:topic/groups/:group')
    .model({ Explanation, PendingPage })
    .get('/explain', ({ params, who: { tenant } }) => explain(ports.log, { tenant, ...params }), {
      scope,
      params,
      response: { 200: 'Explanation' },
      detail: {
        summary: 'Say why a group is handed nothing',
        description: 'Every reason has a code, words, and what can be done about it.',
      },
    })
    .get(
      '/pending',
      ({ params, query, who: { tenant } }) =>
        listPending(ports.log, { tenant, ...params }, { limit: query.limit ?? 100, after: query.after }),
      {
        scope,
        params,
        query: pendingQuery,
        response: { 200: 'PendingPage' },
        detail: {
          summary: 'List what is delivered and not settled',
          description: 'Under lease, or parked until it is due.',
        },
      },
    )
