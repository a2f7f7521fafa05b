import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const defaultBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** One metric: `help` says what is counted and in which unit; label values must come from closed sets, never ids. */
interface Definition<Label extends string> {
  name: string
  help: string
  labels?: readonly Label[]
}

/** A service's own metrics, named `sc_<service>_<name>` as contracts ask. */
export interface Metrics {
  counter<Label extends string = never>(definition: Definition<Label>): Counter<Label>
  gauge<Label extends string = never>(
    definition: Definition<Label> & { collect?: (gauge: Gauge<Label>) => void | Promise<void> },
  ): Gauge<Label>
  histogram<Label extends string = never>(definition: Definition<Label> & { buckets?: number[] }): Histogram<Label>
  /** The Prometheus text exposition, version 0.0.4. */
  text(): Promise<string>
}

/** `service` is the app's full name; the metric prefix drops a trailing `-service` and turns dashes to underscores. */
export function metricsOf(service: string): Metrics {
  const registry = new Registry()
  const prefix = `sc_${service.replace(/-service$/, '').replaceAll('-', '_')}_`
  const base = <Label extends string>({ name, help, labels }: Definition<Label>) => ({
    name: prefix + name,
    help,
    labelNames: labels ?? [],
    registers: [registry],
  })
  const metrics: Metrics = {
    counter: (definition) => new Counter(base(definition)),
    gauge: (definition) => {
      const { collect } = definition
      return new Gauge({
        ...base(definition),
        ...(collect
          ? {
              collect() {
                return collect(this)
              },
            }
          : {}),
      })
    },
    histogram: (definition) => new Histogram({ ...base(definition), buckets: definition.buckets ?? defaultBuckets }),
    text: () => registry.metrics(),
  }
  processMetrics(metrics)
  return metrics
}

/** The handful of process figures that are true on Bun; prom-client's default set is not (no GC, wrong heap). */
function processMetrics(metrics: Metrics) {
  const startedSeconds = Math.round(Date.now() / 1000 - performance.now() / 1000)
  metrics
    .gauge({ name: 'process_start_time_seconds', help: 'When the process started, Unix seconds.' })
    .set(startedSeconds)
  metrics.gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    collect: (gauge) => gauge.set(process.memoryUsage.rss()),
  })
  metrics.gauge({
    name: 'process_cpu_seconds',
    help: 'CPU time used by the process, user and system.',
    collect: (gauge) => {
      const { user, system } = process.cpuUsage()
      gauge.set((user + system) / 1e6)
    },
  })
}
