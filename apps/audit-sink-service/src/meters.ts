import type { Host } from '@santaclaude/service/host'
import type { WriterWatch } from './writer/writer.ts'

/** The figures of this service, named `sc_audit_sink_…`, and the log lines about its writer. */
export function metersOf({ metrics, log }: Host): WriterWatch {
  const count = (name: string, help: string) => metrics.counter({ name, help })
  const rows = count('rows_total', 'Records stored.')
  const duplicates = count('duplicates_total', 'Records that came again and were stored before.')
  const quarantined = count('quarantined_total', 'Entries that are no record, put into quarantine.')
  const failures = count('failures_total', 'Rounds of the writer that failed and are tried again.')
  const lost = count('lost_gaps_total', 'Times entries left the log before they were stored; must stay 0.')
  const inserts = metrics.histogram({ name: 'insert_seconds', help: 'How long a batch takes to be stored.' })
  const batches = metrics.histogram({
    name: 'batch_rows',
    help: 'Entries in a batch.',
    buckets: [1, 10, 100, 1_000, 10_000],
  })
  const oldestMs = new Map<number, number | undefined>()
  metrics.gauge({
    name: 'partitions_owned',
    help: 'Partitions of the log this replica writes.',
    collect: (gauge) => gauge.set(oldestMs.size),
  })
  metrics.gauge({
    name: 'lag_seconds',
    help: 'Age of the oldest record seen that is not stored yet; 0 when all are.',
    collect: (gauge) => {
      const waiting = [...oldestMs.values()].filter((ms) => ms !== undefined)
      gauge.set(waiting.length === 0 ? 0 : Math.max(0, (Date.now() - Math.min(...waiting)) / 1000))
    },
  })
  return {
    stored(outcome) {
      rows.inc(outcome.rows)
      duplicates.inc(outcome.duplicates)
      quarantined.inc(outcome.quarantined)
      inserts.observe(outcome.seconds)
      batches.observe(outcome.entries)
      if (outcome.quarantined > 0) log.warn('entries in quarantine', { count: outcome.quarantined })
    },
    failed(error, partition) {
      failures.inc()
      log.warn('the writer tries again', { error, ...(partition === undefined ? {} : { partition }) })
    },
    lost(gap) {
      lost.inc()
      log.error('entries left the log before they were stored', { ...gap })
    },
    waiting: (partition, ms) => oldestMs.set(partition, ms),
    owns(partition, isOwner) {
      if (!isOwner) oldestMs.delete(partition)
      else if (!oldestMs.has(partition)) oldestMs.set(partition, undefined)
    },
  }
}
