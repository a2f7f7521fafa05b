import { type Configured, choice, integer, port, secret, settings, url } from '@santaclaude/service/config'
import type { Peer } from './peers/peer.ts'

const peerUrl = (variable: string, portNumber: number) =>
  url(variable, {
    default: `http://127.0.0.1:${portNumber}`,
    schemes: ['http', 'https'],
    about: 'Where that service answers.',
  })

/** The settings of this service beside those every service has. */
export const Config = settings({
  port: port(8000),
  rootKey: secret('ROOT_KEY', {
    about: 'The first key, sc_<id>_<secret>: every scope, tenant default. Put in place at each start.',
    mayBeMissing: true,
  }),
  auditPolicy: choice('AUDIT_POLICY', ['require', 'best-effort'], {
    default: 'require',
    about: 'Whether an act is refused when its audit record cannot be written.',
  }),
  aiUrl: peerUrl('AI_SERVICE_URL', 8001),
  browserUrl: peerUrl('BROWSER_POOL_SERVICE_URL', 8002),
  auditUrl: peerUrl('AUDIT_SINK_SERVICE_URL', 8003),
  queueUrl: peerUrl('MESSAGE_QUEUE_SERVICE_URL', 8004),
  probeEveryMs: integer('PROBE_EVERY_MS', {
    default: 5_000,
    min: 500,
    max: 300_000,
    about: 'Time between two looks at the other services, in milliseconds.',
  }),
  probeDeadlineMs: integer('PROBE_DEADLINE_MS', {
    default: 2_500,
    min: 100,
    max: 60_000,
    about: 'How long a service may take to say whether it is ready, in milliseconds.',
  }),
  streamsMax: integer('STATUS_STREAMS_MAX', {
    default: 100,
    min: 1,
    max: 10_000,
    about: 'Live status streams served at once by one replica.',
  }),
})

/** The other services as the settings name them. */
export const peersOf = (config: Configured<typeof Config>): Peer[] => [
  { name: 'ai-service', url: originOf(config.aiUrl) },
  { name: 'browser-pool-service', url: originOf(config.browserUrl) },
  { name: 'audit-sink-service', url: originOf(config.auditUrl) },
  { name: 'message-queue-service', url: originOf(config.queueUrl) },
]

const originOf = (text: string) => new URL(text).origin

/** Five minutes of history at the usual pace. */
export const watchOptions = ({ probeEveryMs, probeDeadlineMs }: Configured<typeof Config>) => ({
  everyMs: probeEveryMs,
  deadlineMs: probeDeadlineMs,
  historyMax: 60,
})
