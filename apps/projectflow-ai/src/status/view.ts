import type { HealthState, Probe } from '../peers/probe.ts'
import { type EngineHealth, enginesOf } from './engines.ts'
import type { ServiceName, Watch } from './watch.ts'

/** What the status page and `/v1/status` say about one service. */
export interface ServiceHealth {
  name: ServiceName
  state: HealthState
  /** The parts that do not work, by the names the service gives them. */
  failing: string[]
  tookMs: number
  checkedAt: string
  /** Oldest first. */
  history: { at: string; state: HealthState; tookMs: number }[]
}

/** The health of the whole house at one moment. It holds nothing that `/ready` of each service does not say to anyone. */
export interface StatusView {
  state: 'ready' | 'failing'
  checkedAt: string
  services: ServiceHealth[]
  engines: EngineHealth[]
}

/** Looks at the house. Probes first when what is known is too old. */
export async function lookAtHouse(watch: Watch): Promise<StatusView> {
  const watched = await watch.view()
  const services = watched.map(({ name, probes }) => serviceHealth(name, probes))
  return {
    state: services.every(({ state }) => state === 'ready') ? 'ready' : 'failing',
    checkedAt: services.reduce((latest, { checkedAt }) => (checkedAt > latest ? checkedAt : latest), ''),
    services,
    engines: enginesOf(watched),
  }
}

const isoOf = (ms: number) => new Date(ms).toISOString()

function serviceHealth(name: ServiceName, probes: readonly Probe[]): ServiceHealth {
  const last = probes.at(-1)
  return {
    name,
    state: last?.state ?? 'away',
    failing: Object.entries(last?.parts ?? {}).flatMap(([part, works]) => (works ? [] : [part])),
    tookMs: last?.tookMs ?? 0,
    checkedAt: isoOf(last?.atMs ?? 0),
    history: probes.map(({ atMs, state, tookMs }) => ({ at: isoOf(atMs), state, tookMs })),
  }
}
