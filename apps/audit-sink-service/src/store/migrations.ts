/** One step of the schema. Steps are only ever added; each can run again, since two replicas may start at once. */
export interface Migration {
  version: number
  statements: (database: string) => string[]
}

/**
 * `events` holds one row for each entry of the topic that is a record. Partitioned by the month the log took it, because
 * the time it occurred is the caller's word; ordered for the question everybody asks, the newest of one tenant.
 * `canonical` holds the exact bytes to hash; the other columns are for finding them. `log_*` say where the entry lay,
 * which is how nothing is stored twice; the projection answers how far a partition is stored without a scan.
 */
export const migrations: Migration[] = [
  {
    version: 1,
    statements: (database) => [
      `CREATE TABLE IF NOT EXISTS ${database}.events (
        tenant LowCardinality(String),
        id UUID CODEC(ZSTD(1)),
        occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
        received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
        actor_type LowCardinality(String),
        actor_id String CODEC(ZSTD(1)),
        action LowCardinality(String),
        outcome LowCardinality(String),
        target_type LowCardinality(String),
        target_id String CODEC(ZSTD(1)),
        source LowCardinality(String),
        request_id String CODEC(ZSTD(1)),
        trace_id String CODEC(ZSTD(1)),
        session_id String CODEC(ZSTD(1)),
        canonical String CODEC(ZSTD(3)),
        log_partition UInt16,
        log_epoch LowCardinality(String),
        log_ms UInt64 CODEC(Delta, ZSTD(1)),
        log_seq UInt64 CODEC(Delta, ZSTD(1)),
        INDEX by_log_ms log_ms TYPE minmax GRANULARITY 1,
        INDEX by_id id TYPE bloom_filter GRANULARITY 4,
        INDEX by_actor actor_id TYPE bloom_filter GRANULARITY 4,
        INDEX by_target target_id TYPE bloom_filter GRANULARITY 4,
        INDEX by_session session_id TYPE bloom_filter GRANULARITY 4,
        INDEX by_trace trace_id TYPE bloom_filter GRANULARITY 4,
        PROJECTION places (SELECT log_partition, log_epoch, max((log_ms, log_seq)) GROUP BY log_partition, log_epoch)
      ) ENGINE = MergeTree
      PARTITION BY toYYYYMM(received_at)
      ORDER BY (tenant, occurred_at, log_ms, log_seq, id)
      SETTINGS ${once}`,
      `CREATE TABLE IF NOT EXISTS ${database}.quarantine (
        tenant LowCardinality(String),
        event_id String,
        reason String,
        text String CODEC(ZSTD(3)),
        received_at DateTime64(3, 'UTC'),
        log_partition UInt16,
        log_epoch LowCardinality(String),
        log_ms UInt64,
        log_seq UInt64
      ) ENGINE = MergeTree
      PARTITION BY toYYYYMM(received_at)
      ORDER BY (tenant, log_ms, log_seq)
      SETTINGS ${once}`,
    ],
  },
]

/** A block sent again under its token is dropped while among the last 10,000; what is acknowledged is on the disk. */
const once = 'non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1'
