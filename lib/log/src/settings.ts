import { compileFilter } from './filter.ts'
import { type GroupSettings, LogError, type TopicChange, type TopicSettings } from './port.ts'

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
  schema: 'off',
}

export const groupDefaults: GroupSettings = {
  leaseMs: 30_000,
  deliveriesMax: 10,
  backoffMs: [],
  inFlightMax: null,
  ordering: 'none',
  filter: null,
  isPaused: false,
}

/** What one partition may hold under a topic's limit; -1 = any amount. */
export const shareOf = (limit: number | null, partitions: number) =>
  limit === null ? -1 : Math.ceil(limit / partitions)

/** The settings with what the change names. */
export const changed = (settings: TopicSettings, change: TopicChange): TopicSettings => ({
  partitions: change.partitions ?? settings.partitions,
  retention: { ...settings.retention, ...change.retention },
  idempotencyWindowMs: change.idempotencyWindowMs ?? settings.idempotencyWindowMs,
  schema: change.schema ?? settings.schema,
})

/** The group's settings with what the change names. Throws `invalid_filter`, and `conflict` for another ordering. */
export function groupChanged(
  settings: GroupSettings,
  change: Partial<GroupSettings>,
  { isNew }: { isNew: boolean },
): GroupSettings {
  const ordering = change.ordering ?? settings.ordering
  if (!isNew && ordering !== settings.ordering)
    throw new LogError('conflict', `The group orders by '${settings.ordering}', and that cannot be changed.`)
  const filter = change.filter === undefined ? settings.filter : change.filter
  if (filter) compileFilter(filter)
  return {
    leaseMs: change.leaseMs ?? settings.leaseMs,
    deliveriesMax: change.deliveriesMax ?? settings.deliveriesMax,
    backoffMs: change.backoffMs ?? settings.backoffMs,
    inFlightMax: change.inFlightMax === undefined ? settings.inFlightMax : change.inFlightMax,
    isPaused: change.isPaused ?? settings.isPaused,
    ...{ ordering, filter },
  }
}

/** The pause before the redelivery that follows delivery number `deliveries`. */
export const backoffAfter = ({ backoffMs }: GroupSettings, deliveries: number) =>
  backoffMs[Math.min(deliveries, backoffMs.length) - 1] ?? 0
