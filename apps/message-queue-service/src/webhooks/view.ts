import type { Lagging } from '../explain/pending.ts'
import { stateOf } from './breaker.ts'
import type { Condition, KeptAttempt, Recovery, Subscription } from './store/port.ts'

const timeOf = (ms: number) => new Date(ms).toISOString()

/** A subscription as its tenant sees it; never with its secret. */
export function viewOf(
  subscription: Subscription,
  { nowMs, condition, lag }: { nowMs: number; condition?: Condition | undefined; lag?: Lagging | undefined },
) {
  const { id, topic, group, ordering, url, description, types, where, mode } = subscription
  const { timeoutMs, retryMs, concurrency, disableAfterMs, status, disabled, recovery } = subscription
  return {
    ...{ id, topic, group, ordering, url, description, types, where, mode },
    ...{ timeoutMs, retryMs, concurrency, disableAfterMs },
    status: status === 'enabled' ? ('enabled' as const) : ('disabled' as const),
    ...(disabled && { disabledReason: disabled.reason, disabledAt: timeOf(disabled.atMs) }),
    publicKeys: subscription.publicKeys
      .filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
      .map(({ key, untilMs }) => ({ key, ...(untilMs !== null && { until: timeOf(untilMs) }) })),
    ...(recovery && { recovery: recoveryViewOf(recovery) }),
    ...(condition && { endpoint: endpointViewOf(condition, nowMs) }),
    ...(lag && { lag }),
    createdAt: timeOf(subscription.createdAtMs),
    changedAt: timeOf(subscription.changedAtMs),
  }
}

export const recoveryViewOf = ({ sinceMs, untilMs, state, startedAtMs, endedAtMs, failed }: Recovery) => ({
  since: timeOf(sinceMs),
  until: timeOf(untilMs),
  state,
  startedAt: timeOf(startedAtMs),
  ...(endedAtMs !== null && { endedAt: timeOf(endedAtMs), failed }),
})

/** How the endpoint is doing, and until when nothing is sent to it. */
function endpointViewOf(condition: Condition, nowMs: number) {
  const { failures, failingSinceMs, openUntilMs, holdUntilMs } = condition
  const circuit = stateOf(condition, nowMs)
  const isHeld = holdUntilMs !== null && holdUntilMs > nowMs
  const state =
    circuit.state === 'open' ? 'circuit_open' : isHeld ? 'held' : failingSinceMs === null ? 'well' : 'failing'
  const untilMs = circuit.state === 'open' ? openUntilMs : isHeld ? holdUntilMs : null
  return {
    state: state as 'well' | 'failing' | 'held' | 'circuit_open',
    failures,
    ...(untilMs !== null && { until: timeOf(untilMs) }),
    ...(failingSinceMs !== null && { failingSince: timeOf(failingSinceMs) }),
  }
}

export function attemptViewOf(attempt: KeptAttempt) {
  const { id, atMs, trigger, number, webhookId, event, place, url, result } = attempt
  const { status, failure, latencyMs, response, nextAtMs } = attempt
  return {
    ...{ id, trigger, number, webhookId, event, url, result, latencyMs, response },
    at: timeOf(atMs),
    ...(place && { place }),
    ...(status !== null && { status }),
    ...(failure !== null && { failure }),
    ...(nextAtMs !== null && { nextAt: timeOf(nextAtMs) }),
  }
}
