import type { Metrics } from '@santaclaude/service/metrics'
import type { PeerName } from './peers/peer.ts'
import type { Probe } from './peers/probe.ts'
import type { ServiceName } from './status/watch.ts'

/** The figures of this service, named `sc_projectflow_ai_…`. */
export function metersOf(metrics: Metrics) {
  const ready = metrics.gauge({
    name: 'service_ready',
    help: '1 while the service says it is ready.',
    labels: ['service'],
  })
  const probes = metrics.histogram({
    name: 'probe_duration_seconds',
    help: 'How long services take to say whether they are ready.',
    labels: ['service'],
  })
  const forwarded = metrics.counter({
    name: 'forwarded_total',
    help: 'Calls handed on to another service, by the class of its answer.',
    labels: ['service', 'status_class'],
  })
  const unheard = metrics.counter({ name: 'events_unheard_total', help: 'Events that could not be emitted.' })
  const unrecorded = metrics.counter({ name: 'audit_missed_total', help: 'Audit records that could not be appended.' })
  return {
    onProbe: (service: ServiceName, { state, tookMs }: Probe) => {
      ready.set({ service }, state === 'ready' ? 1 : 0)
      probes.observe({ service }, tookMs / 1000)
    },
    onForward: (service: PeerName, status: number) =>
      forwarded.inc({ service, status_class: `${Math.floor(status / 100)}xx` }),
    onUnheard: () => unheard.inc(),
    onUnrecorded: () => unrecorded.inc(),
  }
}

export type Meters = ReturnType<typeof metersOf>
