import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Limits, QuotaStore, Rate } from './port.ts'

/** Limits and buckets of one process, for tests. */
export function quotasInMemory(clock: Clock = systemClock): QuotaStore {
  const limits = new Map<string, Partial<Limits>>()
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return {
    overrides: async (tenant) => ({ ...limits.get(tenant) }),
    override: async (tenant, change) => {
      limits.set(tenant, { ...change })
    },
    take: async (tenant, rate: Rate, { perSecond, debt, isLook = false }) => {
      const own = limits.get(tenant)?.[rate]
      const now = own === undefined ? perSecond : own
      if (now === null) return { granted: null, waitMs: 0, perSecond: null, left: 0 }
      const nowMs = clock.now()
      const id = `${tenant}/${rate}`
      const held = buckets.get(id) ?? { tokens: now, atMs: nowMs }
      const filled = Math.min(now, held.tokens + (Math.max(0, nowMs - held.atMs) * now) / 1000) - debt
      const granted = isLook ? 0 : Math.max(0, Math.min(Math.floor(filled), Math.ceil(now / 10)))
      const left = filled - granted
      buckets.set(id, { tokens: left, atMs: nowMs })
      const untilNextMs = now > 0 ? Math.max(1, Math.ceil(((1 - left) / now) * 1000)) : 60_000
      return { granted, waitMs: granted > 0 ? 0 : untilNextMs, perSecond: now, left }
    },
  }
}
