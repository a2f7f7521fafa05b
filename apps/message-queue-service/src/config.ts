import { choice, integer, port, settings } from '@santaclaude/service/config'
import { webhookSettings } from './webhooks/settings.ts'

const limit = (variable: string, base: { default: number; about: string }) =>
  integer(variable, { ...base, min: 1, max: 1_000_000_000_000 })

/** What a tenant may use unless it was given limits of its own. */
const quotas = settings({
  eventsPerSecond: limit('QUOTA_EVENTS_PER_SECOND', {
    default: 1_000_000,
    about: 'Events a tenant may publish a second.',
  }),
  requestsPerSecond: limit('QUOTA_REQUESTS_PER_SECOND', {
    default: 200_000,
    about: 'Requests a tenant may send a second.',
  }),
  storedEvents: limit('QUOTA_STORED_EVENTS', {
    default: 100_000_000,
    about: 'Events the topics of a tenant may hold.',
  }),
  topics: limit('QUOTA_TOPICS', { default: 20_000, about: 'Topics a tenant may have.' }),
  groupsPerTopic: limit('QUOTA_GROUPS_PER_TOPIC', { default: 1_000, about: 'Groups a topic may have.' }),
  streams: limit('QUOTA_STREAMS', { default: 50_000, about: 'Streams a tenant may have open on one replica.' }),
})

export const Config = settings({
  port: port(8004),
  ...quotas,
  ...webhookSettings,
  auditPolicy: choice('AUDIT_POLICY', ['require', 'best-effort'], {
    default: 'require',
    about: 'What happens to an act whose audit record cannot be appended: refused with 503, or counted.',
  }),
  upkeepEveryMs: integer('UPKEEP_EVERY_MS', {
    default: 500,
    min: 50,
    max: 60_000,
    about: 'How often expired leases, dead letters and retention are looked after, in milliseconds.',
  }),
})
