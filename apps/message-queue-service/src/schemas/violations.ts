import type { QueuePorts } from '../ports.ts'
import { tell } from '../tell.ts'
import type { RegistryPorts } from './registry.ts'

const quietMs = 60_000
const rememberedMax = 10_000

/** Counts what does not fit, and tells the tenant at most once a minute for each type and topic. */
export function tellingViolations({
  emit,
  warn,
  meters,
}: Pick<QueuePorts, 'emit' | 'warn' | 'meters'>): NonNullable<RegistryPorts['onViolation']> {
  const toldAtMs = new Map<string, number>()
  return ({ tenant, topic, violation: { type, version, path, message }, isRefused: refused }) => {
    meters.violations.inc({ outcome: refused ? 'refused' : 'kept' })
    const id = `${tenant}/${topic}/${type}`
    const nowMs = performance.now()
    if (nowMs - (toldAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    if (toldAtMs.size >= rememberedMax) toldAtMs.clear()
    toldAtMs.set(id, nowMs)
    const data = { topic, type, version, path, message, refused }
    void tell({ emit, warn }, { tenant }, { type: 'mq.schema.violated', subject: topic, data })
  }
}
