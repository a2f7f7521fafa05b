import { Fault } from '@santaclaude/service/faults'
import type { HookStore, Subscription, SubscriptionAddress } from './store/port.ts'

const triesMax = 8

/**
 * Changes a subscription by what `next` makes of it, again from the start when another change came first. Answers the
 * changed one; nothing when there is none, or when `next` wants no change.
 */
export async function changed(
  { subscriptions }: HookStore,
  address: SubscriptionAddress,
  next: (now: Subscription) => Subscription | undefined,
): Promise<Subscription | undefined> {
  for (let tries = 0; tries < triesMax; tries++) {
    const now = await subscriptions.find(address)
    const wanted = now && next(now)
    if (!wanted) return undefined
    const after = await subscriptions.replace(wanted)
    if (after) return after
  }
  throw new Fault('conflict', { detail: 'The subscription is being changed by many at once.' })
}
