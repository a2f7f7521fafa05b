import type { Ports } from '../ports.ts'

/** The state of this replica. Names no tenant. */
export function statsOf({ pool, replica, engine, isSandboxed, egress }: Ports) {
  const { browsers, ...counts } = pool.stats
  return {
    replica,
    engine: engine(),
    isSandboxed,
    allowsPrivateNetworks: egress.allowPrivate,
    browsers: browsers.map(({ id, state, startedAtMs, held, served }) => ({
      id,
      state,
      startedAt: new Date(startedAtMs).toISOString(),
      sessions: held,
      served,
    })),
    ...counts,
  }
}
