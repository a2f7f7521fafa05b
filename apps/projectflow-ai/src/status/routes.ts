import type { Clock } from '@santaclaude/kit/clock'
import { Fault } from '@santaclaude/service/faults'
import type { Host } from '@santaclaude/service/host'
import type { Caller } from '@santaclaude/service/keys'
import { room } from '@santaclaude/service/room'
import { oneOf, t } from '@santaclaude/service/schema'
import { eventStream } from '@santaclaude/service/stream'
import { Elysia } from 'elysia'
import { peerNames } from '../peers/peer.ts'
import { webFiles } from '../web/files.ts'
import { pageHeaders } from '../web/headers.ts'
import { followStatus, fullStatus, streamEveryMs, Viewers } from './follow.ts'
import { statusPage } from './page.ts'
import { QueueGauge, type QueueSource } from './queues.ts'
import { lookAtHouse } from './view.ts'
import type { Watch } from './watch.ts'

const healthState = oneOf(['ready', 'failing', 'away'] as const, {
  description: '`failing`: it answers and names what it lacks. `away`: no usable answer came in time.',
})
const service = oneOf(['projectflow-ai', ...peerNames] as const)
const time = t.String({ format: 'date-time' })
const count = (description: string) => t.Integer({ minimum: 0, description })

const Status = t.Object(
  {
    state: oneOf(['ready', 'failing'] as const, { description: 'ready = every service is.' }),
    checkedAt: time,
    services: t.Array(
      t.Object({
        name: service,
        state: healthState,
        failing: t.Array(t.String({ description: 'A part that does not work, by the name its service gives it.' })),
        tookMs: t.Number({ description: 'How long the last probe took.' }),
        checkedAt: time,
        history: t.Array(t.Object({ at: time, state: healthState, tookMs: t.Number() }), {
          description: 'Oldest first.',
        }),
      }),
    ),
    engines: t.Array(
      t.Object({
        name: oneOf(['Redis', 'ClickHouse', 'Chromium'] as const),
        state: healthState,
        seenBy: t.Array(t.Object({ service, works: t.Boolean() })),
      }),
    ),
    queues: t.Array(
      t.Object({
        tenant: t.String(),
        topic: t.String(),
        partitions: t.Integer(),
        events: count('Events kept now.'),
        groups: t.Array(
          t.Object({
            name: t.String(),
            ready: count('The lag: events no member has been given yet.'),
            unsettled: count('Events given out and not settled.'),
            dead: count('Events in the dead letters.'),
            oldestUnsettledMs: t.Number({
              description: 'Age of the oldest event that is not settled; 0 when all are.',
            }),
          }),
        ),
      }),
      { description: 'Topics of the tenant; an internal key also sees those of the platform (tenant sc).' },
    ),
  },
  { description: 'The house at one moment.' },
)

export interface StatusPorts {
  watch: Watch
  log: QueueSource
  clock: Clock
  host: Pick<Host, 'version'>
  /** Live streams served at once. */
  streamsMax: number
}

/** The topics a caller may see: its tenant's, and the platform's own for an internal key. */
const tenantsOf = ({ tenant, scopes }: Caller) =>
  scopes.has('internal') && tenant !== 'sc' ? [tenant, 'sc'] : [tenant]

const scope = 'projects:use'

/** The page at `/`, which needs no key and shows health only, and `/v1/status`, which also shows queues. */
export const status = ({ watch, log, clock, host, streamsMax }: StatusPorts) => {
  const ports = { watch, gauge: new QueueGauge(log, clock, streamEveryMs), viewers: new Viewers(streamsMax) }
  return new Elysia({ name: 'status' })
    .get(
      '/',
      async () => {
        const [view, { files }] = await Promise.all([lookAtHouse(watch), webFiles()])
        return new Response(statusPage({ view, files, version: host.version, historyMax: watch.historyMax }), {
          headers: pageHeaders,
        })
      },
      { detail: { hide: true } },
    )
    .get(
      '/assets/:hash/:file',
      async ({ params: { hash, file } }) => {
        const found = (await webFiles()).byAddress.get(`/assets/${hash}/${file}`)
        if (!found) throw new Fault('not_found')
        return new Response(found.body, { headers: found.headers })
      },
      { detail: { hide: true } },
    )
    .use(
      room('/v1/status')
        .model({ Status })
        .get('', ({ caller }) => fullStatus(ports, tenantsOf(caller)), {
          scope,
          response: { 200: 'Status' },
          detail: { summary: 'The services, engines and queues now' },
        })
        .get(
          '/stream',
          ({ caller }) => {
            ports.viewers.mustHaveRoom()
            return eventStream((signal) => followStatus(ports, { tenants: tenantsOf(caller), signal }))
          },
          {
            scope,
            detail: {
              summary: 'Follow the status live',
              description: 'Server-sent events `status` with a Status each: at once, then whenever something changed.',
              responses: {
                200: { description: 'A stream that ends with `end`.', content: { 'text/event-stream': {} } },
              },
            },
          },
        ),
    )
}
