import type { Clock } from '@santaclaude/kit/clock'
import type { ProviderErrorKind } from './port.ts'

/** How a provider has been doing, as this replica saw it. Times are Unix milliseconds, null = not yet. */
export interface HealthNote {
  lastOkAtMs: number | null
  lastErrorAtMs: number | null
  lastErrorKind: ProviderErrorKind | null
  /** From the call to the upstream's acceptance, a moving average over about ten calls, in milliseconds. */
  latencyMs: number | null
}

/** Remembers the last outcome for each provider. */
export class Health {
  private readonly notes = new Map<string, HealthNote>()

  constructor(private readonly clock: Clock) {}

  of(providerId: string): HealthNote {
    return this.notes.get(providerId) ?? { lastOkAtMs: null, lastErrorAtMs: null, lastErrorKind: null, latencyMs: null }
  }

  ok(providerId: string, latencyMs: number): void {
    const before = this.of(providerId)
    const average = before.latencyMs === null ? latencyMs : before.latencyMs * 0.8 + latencyMs * 0.2
    this.notes.set(providerId, { ...before, lastOkAtMs: this.clock.now(), latencyMs: Math.round(average * 10) / 10 })
  }

  failed(providerId: string, kind: ProviderErrorKind): void {
    this.notes.set(providerId, { ...this.of(providerId), lastErrorAtMs: this.clock.now(), lastErrorKind: kind })
  }
}
