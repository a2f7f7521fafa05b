import type { HealthState } from '../peers/probe.ts'
import type { ServiceName, Watched } from './watch.ts'

/** An engine below the services, as the services that stand on it see it. */
export interface EngineHealth {
  name: 'Redis' | 'ClickHouse' | 'Chromium'
  /** `failing` as soon as one service that answers cannot use it; `away` when no service can tell. */
  state: HealthState
  /** The services that reported on it. */
  seenBy: { service: ServiceName; works: boolean }[]
}

const partOf = { Redis: 'redis', ClickHouse: 'clickhouse', Chromium: 'chromium' } as const

/** What the services' own readiness says about the engines. Nothing here reaches an engine itself. */
export function enginesOf(services: readonly Watched[]): EngineHealth[] {
  return (['Redis', 'ClickHouse', 'Chromium'] as const).map((name) => {
    const seenBy = services.flatMap(({ name: service, probes }) => {
      const works = probes.at(-1)?.parts[partOf[name]]
      return works === undefined ? [] : [{ service, works }]
    })
    const state = seenBy.length === 0 ? 'away' : seenBy.every(({ works }) => works) ? 'ready' : 'failing'
    return { name, state, seenBy }
  })
}
