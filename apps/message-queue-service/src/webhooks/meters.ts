import type { Metrics } from '@santaclaude/service/metrics'

export type HookMeters = ReturnType<typeof hookMetersOf>

/** What webhooks count. No label names a tenant, a subscription or an endpoint. */
export function hookMetersOf(metrics: Metrics) {
  return {
    attempts: metrics.counter({
      name: 'webhook_attempts_total',
      help: 'Messages sent once, by what came of it: delivered, pending (another attempt follows), dead, failed.',
      labels: ['result'],
    }),
    failures: metrics.counter({
      name: 'webhook_failures_total',
      help: 'Attempts that failed, by why: the class of the status (4xx, 5xx …) or what went wrong on the way.',
      labels: ['reason'],
    }),
    attemptSeconds: metrics.histogram({
      name: 'webhook_attempt_seconds',
      help: 'From the look-up of the endpoint’s name to the status of its answer, or the failure.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60],
    }),
    inFlight: metrics.gauge({ name: 'webhook_in_flight', help: 'Messages on their way now.' }),
    pumps: metrics.gauge({ name: 'webhook_pumps', help: 'Subscriptions this replica delivers for.' }),
    tripped: metrics.counter({ name: 'webhook_circuit_opened_total', help: 'How often a circuit opened.' }),
    disabled: metrics.counter({
      name: 'webhook_disabled_total',
      help: 'Subscriptions disabled, by reason.',
      labels: ['reason'],
    }),
    roundFailures: metrics.counter({
      name: 'webhook_round_failures_total',
      help: 'Rounds of sharing out subscriptions between replicas that failed.',
    }),
  }
}
