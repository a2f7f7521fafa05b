import type { Metrics } from '@santaclaude/service/metrics'

export type Meters = ReturnType<typeof metersOf>

/** What the service counts. No label names a tenant or a topic: both are the callers' to make up. */
export function metersOf(metrics: Metrics) {
  return {
    published: metrics.counter({
      name: 'published_events_total',
      help: 'Events given to the service, by what became of them.',
      labels: ['result'],
    }),
    delivered: metrics.counter({
      name: 'delivered_events_total',
      help: 'Events handed out, by the way they went.',
      labels: ['transport'],
    }),
    settled: metrics.counter({
      name: 'settled_deliveries_total',
      help: 'Settlements of pulled deliveries, by operation and result.',
      labels: ['op', 'result'],
    }),
    refused: metrics.counter({
      name: 'refused_by_quota_total',
      help: 'Requests refused because a limit of their tenant is used up, by the limit.',
      labels: ['limit'],
    }),
    violations: metrics.counter({
      name: 'schema_violations_total',
      help: 'Events whose data did not fit the schema of their type, by what became of them.',
      labels: ['outcome'],
    }),
    pulls: metrics.gauge({ name: 'waiting_pulls', help: 'Long polls waiting now.' }),
    streams: metrics.gauge({ name: 'open_streams', help: 'Event streams open now.' }),
    sockets: metrics.gauge({ name: 'open_sockets', help: 'WebSockets open now.' }),
    dropped: metrics.counter({
      name: 'dropped_readers_total',
      help: 'Readers that were dropped because they took nothing for too long, by the way they read.',
      labels: ['transport'],
    }),
    unrecorded: metrics.counter({
      name: 'unrecorded_acts_total',
      help: 'Acts whose audit record could not be appended.',
    }),
    firings: metrics.counter({
      name: 'schedule_firings_total',
      help: 'Due times of schedules: fired, skipped because nobody could fire them in time, or failed because the topic refused.',
      labels: ['result'],
    }),
    firingDelay: metrics.histogram({
      name: 'schedule_delay_seconds',
      help: 'How long after its due time a firing was published.',
    }),
    unbalanced: metrics.gauge({
      name: 'conservation_error',
      help: 'Events missing from the books of groups, or there too often: published = settled + dead + ready + leased + parked + trimmed. Must be 0.',
    }),
    canary: metrics.histogram({
      name: 'canary_seconds',
      help: 'From publishing to settling an event of our own, on every partition of a topic of our own.',
    }),
    canaryMisses: metrics.counter({
      name: 'canary_misses_total',
      help: 'Events of our own that could not be published, or did not come back in time.',
    }),
    owner: metrics.gauge({ name: 'upkeep_owner', help: '1 on the replica that does the upkeep.' }),
    sweepSeconds: metrics.histogram({ name: 'upkeep_round_seconds', help: 'How long one round of upkeep took.' }),
    sweepFailures: metrics.counter({ name: 'upkeep_failures_total', help: 'Rounds of upkeep that failed.' }),
    upkept: metrics.counter({
      name: 'upkept_entries_total',
      help: 'Entries that upkeep moved: leases that expired, dead letters, trimmed by retention and those of them dropped unsettled, promoted when due, lost before they were settled.',
      labels: ['what'],
    }),
  }
}
