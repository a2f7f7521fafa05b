import type { Metrics } from '@santaclaude/service/metrics'

/** This service's own metrics, named `sc_ai_…`. */
export function aiMetrics(metrics: Metrics) {
  return {
    calls: metrics.counter({
      name: 'calls_total',
      help: 'Model calls that ended, by provider and outcome.',
      labels: ['provider', 'outcome'] as const,
    }),
    active: metrics.gauge({ name: 'calls_active', help: 'Model calls in flight.' }),
    tokens: metrics.counter({
      name: 'tokens_total',
      help: 'Tokens of calls that ended, by provider and kind (prompt, completion).',
      labels: ['provider', 'kind'] as const,
    }),
    firstToken: metrics.histogram({
      name: 'first_token_seconds',
      help: 'From a call to its first event with content.',
      labels: ['provider'] as const,
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64],
    }),
    duration: metrics.histogram({
      name: 'call_seconds',
      help: 'From a call to its end.',
      labels: ['provider'] as const,
      buckets: [0.05, 0.25, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    }),
    auditMisses: metrics.counter({ name: 'audit_misses_total', help: 'Audit records that could not be appended.' }),
    eventMisses: metrics.counter({ name: 'event_misses_total', help: 'Events that could not be emitted.' }),
  }
}

export type AiMetrics = ReturnType<typeof aiMetrics>
