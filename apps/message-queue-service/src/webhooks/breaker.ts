export interface CircuitLimits {
  /** Failures in a row that open the circuit. */
  failuresMax: number
  /** The first and the longest time an open circuit stays open. */
  baseMs: number
  capMs: number
}

export const circuitLimits: CircuitLimits = { failuresMax: 10, baseMs: 5_000, capMs: 300_000 }

/** What is known of an endpoint's health. Plain data, kept beside the subscription so a new owner goes on from it. */
export interface Circuit {
  /** Failures since the last success. */
  failures: number
  /** How often the circuit opened since the last success. */
  trips: number
  /** Until when nothing is sent, Unix milliseconds; null = the circuit is closed. */
  openUntilMs: number | null
}

export const closedCircuit: Circuit = { failures: 0, trips: 0, openUntilMs: null }

/** `closed`: send. `open`: send nothing for `waitMs`. `half-open`: send one message and look what comes of it. */
export type CircuitState = { state: 'closed' } | { state: 'open'; waitMs: number } | { state: 'half-open' }

export function stateOf({ openUntilMs }: Circuit, nowMs: number): CircuitState {
  if (openUntilMs === null) return { state: 'closed' }
  return openUntilMs > nowMs ? { state: 'open', waitMs: openUntilMs - nowMs } : { state: 'half-open' }
}

/**
 * The circuit after one more attempt. Ten failures in a row open it for 5 s; a probe that fails opens it for twice as
 * long as before, up to 5 min, each time with jitter; any success closes it. A failure that was under way when the
 * circuit opened says nothing new. Source: M. Nygard, "Release It!", ch. 5, "Circuit Breaker".
 */
export function circuitAfter(
  circuit: Circuit,
  {
    isSuccess,
    nowMs,
    limits: { failuresMax, baseMs, capMs } = circuitLimits,
    random = Math.random,
  }: { isSuccess: boolean; nowMs: number; limits?: CircuitLimits; random?: () => number },
): Circuit {
  if (isSuccess) return closedCircuit
  const { state } = stateOf(circuit, nowMs)
  const failures = circuit.failures + 1
  if (state === 'open' || (state === 'closed' && failures < failuresMax)) return { ...circuit, failures }
  // Half of the time is certain, so an unlucky draw does not turn into hammering.
  const halfMs = Math.min(capMs, baseMs * 2 ** circuit.trips) / 2
  return { failures, trips: circuit.trips + 1, openUntilMs: nowMs + halfMs + random() * halfMs }
}
