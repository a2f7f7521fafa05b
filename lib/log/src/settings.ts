import type { GroupSettings, TopicChange, TopicSettings } from './port.ts'

/** The largest event, in bytes of its payload and attributes. */
export const EVENT_BYTES_MAX = 1_048_576

export const topicDefaults: TopicSettings = {
  partitions: 4,
  retention: {
    maxAgeMs: 7 * 86_400_000,
    maxEvents: 100_000,
    maxBytes: null,
    keepUntilSettled: false,
    discard: 'old-acked',
  },
  idempotencyWindowMs: 600_000,
}

export const groupDefaults: GroupSettings = { leaseMs: 30_000, deliveriesMax: 10, backoffMs: [] }

/** What one partition may hold under a topic's limit; -1 = any amount. */
export const shareOf = (limit: number | null, partitions: number) =>
  limit === null ? -1 : Math.ceil(limit / partitions)

/** The settings with what the change names. */
export const changed = (settings: TopicSettings, change: TopicChange): TopicSettings => ({
  partitions: change.partitions ?? settings.partitions,
  retention: { ...settings.retention, ...change.retention },
  idempotencyWindowMs: change.idempotencyWindowMs ?? settings.idempotencyWindowMs,
})

/** The pause before the redelivery that follows delivery number `deliveries`. */
export const backoffAfter = ({ backoffMs }: GroupSettings, deliveries: number) =>
  backoffMs[Math.min(deliveries, backoffMs.length) - 1] ?? 0
