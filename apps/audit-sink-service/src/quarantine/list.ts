import type { Archive } from '../store/port.ts'

export interface QuarantinedEntry {
  eventId: string
  receivedAt: string
  reason: string
  /** What was in the log, as text. */
  text: string
  place: { partition: number; streamId: string }
}

/** A tenant's newest entries of the topic that are no records. Faults: store_unavailable, deadline_exceeded. */
export async function listQuarantine(archive: Archive, tenant: string, limit: number): Promise<QuarantinedEntry[]> {
  const entries = await archive.quarantined(tenant, { limit })
  return entries.map(({ eventId, receivedAtMs, reason, text, place: { partition, streamId } }) => ({
    eventId,
    receivedAt: new Date(receivedAtMs).toISOString(),
    reason,
    text,
    place: { partition, streamId },
  }))
}
