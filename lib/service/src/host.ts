import { Drain } from './drain.ts'
import { type Logger, quietLogger } from './log.ts'
import { type Metrics, metricsOf } from './metrics.ts'

/** What the process lends to its app: where it logs, counts, drains, and the pepper its keys are hashed with. */
export interface Host {
  log: Logger
  metrics: Metrics
  drain: Drain
  pepper: string
  version: string
}

/** A host for tests: real metrics, no log, nothing to drain. */
export const quietHost = (name: string): Host => ({
  log: quietLogger,
  metrics: metricsOf(name),
  drain: new Drain(),
  pepper: 'test-pepper',
  version: '0.0.0',
})
