import { compileFilter } from '@santaclaude/log/filter'
import { FilterError } from '@santaclaude/log/filter-error'
import { Fault } from '@santaclaude/service/faults'
import { type AddressPolicy, endpointOf } from './addresses.ts'
import { filterOf } from './group.ts'
import type { HookStore, Subscription, SubscriptionAddress, SubscriptionSettings } from './store/port.ts'

/** The subscription, or 404. One that is being deleted is not there any more. */
export async function needSubscription(
  { subscriptions }: HookStore,
  address: SubscriptionAddress,
): Promise<Subscription> {
  const found = await subscriptions.find(address)
  if (!found || found.status === 'deleting') throw new Fault('subscription_not_found')
  return found
}

/** The endpoint's address in its canonical form. Faults: validation_failed, address_refused. */
export function needEndpoint(policy: AddressPolicy, text: string): string {
  const endpoint = endpointOf(text, policy)
  if ('url' in endpoint) return endpoint.url
  const detail = `The url ${endpoint.refusal}.`
  if (endpoint.isOutOfReach) throw new Fault('address_refused', { detail })
  throw new Fault('validation_failed', { detail, errors: [{ path: '/body/url', message: endpoint.refusal }] })
}

/** Refuses a filter that cannot be read, or one for a group that is shared. Faults: invalid_filter, validation_failed. */
export function checkFilter(
  { types = [], where = null }: Partial<Pick<SubscriptionSettings, 'types' | 'where'>>,
  { ownsGroup }: Pick<Subscription, 'ownsGroup'>,
): void {
  const filter = filterOf({ types, where })
  if (filter && !ownsGroup)
    throw new Fault('validation_failed', { detail: 'A shared group has a filter of its own: change it there.' })
  try {
    if (filter) compileFilter(filter)
  } catch (cause) {
    if (!(cause instanceof FilterError)) throw cause
    const { part, position, message } = cause
    const path = part === 'where' ? '/body/where' : `/body/types/${position}`
    throw new Fault('invalid_filter', { detail: message, errors: [{ path, message }], cause })
  }
}
