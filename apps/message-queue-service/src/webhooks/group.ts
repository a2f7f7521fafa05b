import type { Filter, GroupAddress, Start } from '@santaclaude/log/port'
import type { HookPorts } from './hooks.ts'
import type { Subscription } from './store/port.ts'

/** How much longer a lease is than the request it covers: what lies between hand-over and settlement beside the request. */
export const leaseMarginMs = 10_000

/** The group a subscription gets unless it names one. */
export const ownGroupName = (id: string) => `hook-${id}`

export const groupOf = ({ tenant, topic, group }: Subscription): GroupAddress => ({ tenant, topic, group })

/** The group a recovery reads through, beside the subscription's own. */
export const recoveryGroupOf = ({ tenant, topic, id }: Subscription): GroupAddress => ({
  tenant,
  topic,
  group: `${ownGroupName(id)}-again`,
})

/** Attempts are counted by their schedule, so the group's own limit is only there for messages that kill whoever touches them. */
const deliveriesMax = 1_000

/** What the group of a subscription lets through; the log settles the rest by itself. */
export const filterOf = ({ types, where }: Pick<Subscription, 'types' | 'where'>): Filter | null =>
  types.length === 0 && where === null ? null : { ...(types.length > 0 && { types }), ...(where !== null && { where }) }

/** A lease outlasts the request it covers. */
export const leaseMsOf = ({ timeoutMs }: Pick<Subscription, 'timeoutMs'>) => timeoutMs + leaseMarginMs

/**
 * Makes the group when it is missing, and gives the one that is there what the subscription wants. A group that the
 * tenant shares with other consumers keeps what it has.
 */
export async function putGroupFor(
  { log }: Pick<HookPorts, 'log'>,
  subscription: Subscription,
  {
    address = groupOf(subscription),
    start = { sinceMs: subscription.startMs },
  }: { address?: GroupAddress; start?: Start } = {},
): Promise<void> {
  const isShared = address.group === subscription.group && !subscription.ownsGroup
  const { ordering } = subscription
  const wish = isShared
    ? {}
    : { leaseMs: leaseMsOf(subscription), deliveriesMax, filter: filterOf(subscription), ordering }
  await log.putGroup(address, { ...wish, start })
}
