import type { Metrics } from '@santaclaude/service/metrics'
import type { Pool } from './pool/pool.ts'

/** What is counted as it happens. */
export interface Counters {
  sessionEnded(reason: string): void
  browserGone(end: string): void
  launchFailed(): void
  auditMissed(): void
  eventMissed(): void
}

export function countersOf(metrics: Metrics): Counters {
  const ended = metrics.counter({
    name: 'sessions_ended_total',
    help: 'Sessions that ended, by reason.',
    labels: ['reason'],
  })
  const gone = metrics.counter({
    name: 'browsers_gone_total',
    help: 'Browser processes that ended, by how.',
    labels: ['end'],
  })
  const failed = metrics.counter({ name: 'launch_failures_total', help: 'Browsers that did not come up.' })
  const audit = metrics.counter({ name: 'audit_missed_total', help: 'Audit records that could not be appended.' })
  const events = metrics.counter({ name: 'events_missed_total', help: 'Events that could not be emitted.' })
  return {
    sessionEnded: (reason) => ended.inc({ reason }),
    browserGone: (end) => gone.inc({ end }),
    launchFailed: () => failed.inc(),
    auditMissed: () => audit.inc(),
    eventMissed: () => events.inc(),
  }
}

/** What is read from the pool when somebody looks. */
export function gaugePool(metrics: Metrics, pool: Pool): void {
  const gauge = (name: string, help: string, read: (stats: Pool['stats']) => number) =>
    metrics.gauge({ name, help, collect: (made) => made.set(read(pool.stats)) })
  gauge('browsers', 'Browser processes.', ({ browsers }) => browsers.length)
  gauge('sessions', 'Open sessions.', ({ sessions }) => sessions)
  gauge('sessions_max', 'Sessions there is room for.', ({ sessionsMax }) => sessionsMax)
  gauge('pages', 'Open pages.', ({ pages }) => pages)
  gauge('waiting', 'Requests that wait for a browser.', ({ waiting }) => waiting)
  gauge(
    'utilization_ratio',
    'Sessions and those who wait for one, over the room there is.',
    (stats) => (stats.sessions + stats.waiting) / stats.sessionsMax,
  )
}
