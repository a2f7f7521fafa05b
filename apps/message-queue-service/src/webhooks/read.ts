import { LogError } from '@santaclaude/log/port'
import { lagOf } from '../explain/pending.ts'
import { groupOf } from './group.ts'
import type { HookPorts, Hooks } from './hooks.ts'
import { needSubscription } from './need.ts'
import type { SubscriptionAddress } from './store/port.ts'
import { viewOf } from './view.ts'

/** One subscription, how its endpoint is doing, and the books of its group. */
export async function getSubscription({ hooks, log }: HookPorts, address: SubscriptionAddress) {
  const subscription = await needSubscription(hooks.store, address)
  const [condition, lag] = await Promise.all([
    hooks.store.duties.condition(address),
    lagOf(log, groupOf(subscription)).catch((error) => {
      if (error instanceof LogError && /^(group|topic)_not_found$/.test(error.code)) return undefined
      throw error
    }),
  ])
  const known = condition && condition.atMs >= subscription.enabledAtMs ? condition : undefined
  return viewOf(subscription, { nowMs: hooks.clock.now(), condition: known ?? untried, lag })
}

/** A tenant's subscriptions, the oldest first. */
export async function listSubscriptions(
  { store, clock }: Hooks,
  { tenant, limit, after }: { tenant: string; limit: number; after?: string | undefined },
) {
  const found = await store.subscriptions.list(tenant, { limit: limit + 1, ...(after && { after }) })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const subscriptions = page
    .filter(({ status }) => status !== 'deleting')
    .map((subscription) => viewOf(subscription, { nowMs: clock.now() }))
  return found.length > limit && last ? { subscriptions, next: last.id } : { subscriptions }
}

const untried = { failures: 0, trips: 0, openUntilMs: null, holdUntilMs: null, failingSinceMs: null, atMs: 0 }
