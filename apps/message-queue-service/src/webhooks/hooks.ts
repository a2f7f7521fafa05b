import type { Clock } from '@santaclaude/kit/clock'
import type { QueuePorts } from '../ports.ts'
import type { AddressPolicy } from './addresses.ts'
import type { CircuitLimits } from './breaker.ts'
import type { Keyring } from './keyring.ts'
import type { HookMeters } from './meters.ts'
import type { Sender } from './sender/port.ts'
import type { HookStore, SubscriptionAddress } from './store/port.ts'

export interface HookPolicy extends AddressPolicy {
  /** Subscriptions a tenant may have. */
  subscriptionsMax: number
  /** Attempts that are kept of each. */
  attemptsKept: number
  /** How long old and new keys sign together after a rotation that does not say. */
  rotationMs: number
  /** How long the events of a disabled subscription are kept from retention. */
  keepDisabledMs: number
  /** Messages on their way from this replica at once. */
  inFlightMax: number
  circuit: CircuitLimits
}

/** What webhooks work with. */
export interface Hooks {
  store: HookStore
  sender: Sender
  keyring: Keyring
  meters: HookMeters
  policy: HookPolicy
  clock: Clock
  /** Goes along as user agent. */
  version: string
}

export interface HookPorts extends Pick<QueuePorts, 'log' | 'audit' | 'emit' | 'meters' | 'warn'> {
  hooks: Hooks
  /** Tells this replica's pumps of a change, so it takes effect at once; other replicas see it within seconds. */
  nudge(address: SubscriptionAddress): void
}
