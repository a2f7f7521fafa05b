import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import type { Ports } from '../ports.ts'
import { SessionList, SessionParams, SessionView, SessionWanted } from '../schemas.ts'
import { sessionView } from '../views.ts'
import { create } from './create.ts'
import { find } from './find.ts'

/** Browser sessions: one private context each, ended by its owner, by idleness, by age or with its browser. */
export const sessions = (ports: Ports) =>
  room('/v1/sessions')
    .model({ Session: SessionView, SessionList, SessionWanted })
    .post(
      '',
      async ({ body, who, request, status }) => {
        const { queueWaitMs, ...options } = body
        return status(201, sessionView(await create(ports, { who, options, queueWaitMs, signal: request.signal })))
      },
      {
        scope: 'browser:use',
        idempotent: true,
        body: 'SessionWanted',
        response: { 201: 'Session' },
        detail: {
          summary: 'Open a browser session',
          description:
            'A private browser context: no cookie, storage or cache is shared with any other. Waits in line when every browser is taken. 429 `session_limit` when the tenant has too many; 503 `pool_busy` with Retry-After when the line is full or the wait was in vain; 503 `browser_unavailable` when Chromium does not start.',
        },
      },
    )
    .get('', ({ who }) => ({ sessions: ports.pool.of(who.tenant).map(sessionView) }), {
      scope: 'browser:use',
      response: 'SessionList',
      detail: {
        summary: 'List your sessions',
        description: 'Those of this replica, newest first; there are never more than the limit of a tenant.',
      },
    })
    .get('/:id', async ({ params, who }) => sessionView(await find(ports, who.tenant, params.id)), {
      scope: 'browser:use',
      params: SessionParams,
      response: 'Session',
      detail: {
        summary: 'Look at a session',
        description: '410 `session_ended` or `browser_crashed` for a while after its end, then 404.',
      },
    })
    .delete(
      '/:id',
      async ({ params, who, status }) => {
        await ports.pool.end(await find(ports, who.tenant, params.id), 'closed', who)
        return status(204, undefined)
      },
      {
        scope: 'browser:use',
        params: SessionParams,
        response: { 204: t.Void() },
        detail: { summary: 'Close a session', description: 'Its pages, cookies and storage are gone at once.' },
      },
    )
