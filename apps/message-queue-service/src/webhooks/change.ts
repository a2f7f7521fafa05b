import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueueEvents } from '../contract.ts'
import { recorded, tell } from '../tell.ts'
import { changed } from './change-one.ts'
import { putGroupFor } from './group.ts'
import type { HookPorts } from './hooks.ts'
import { checkFilter, needEndpoint, needSubscription } from './need.ts'
import type { Subscription, SubscriptionSettings } from './store/port.ts'
import { viewOf } from './view.ts'

/** Changes what the change names and keeps the rest. Faults: subscription_not_found, validation_failed, address_refused. */
export async function changeSubscription(
  ports: HookPorts,
  who: Who,
  { id, change }: { id: string; change: Partial<SubscriptionSettings> },
) {
  const { store, policy } = ports.hooks
  const now = await needSubscription(store, { tenant: who.tenant, id })
  const wish = change.url === undefined ? change : { ...change, url: needEndpoint(policy, change.url) }
  checkFilter({ ...now, ...wish }, now)
  const { url, ...told } = wish
  const data = { ...told, ...(url && { origin: new URL(url).origin }) }
  const next = (sub: Subscription): Subscription => ({ ...sub, ...wish })
  // The lease must outlast a request before requests may take longer; whoever delivers brings the group up to date.
  if (now.ownsGroup && (wish.timeoutMs ?? 0) > now.timeoutMs) await putGroupFor(ports, next(now))
  return changeOnRecord(ports, who, { id, type: 'mq.subscription.changed', data, next })
}

/** Enables a subscription and forgets what was held against its endpoint. It goes on where it stood. */
export async function enableSubscription(ports: HookPorts, who: Who, id: string) {
  const { store, clock } = ports.hooks
  const { topic, tenant } = await needSubscription(store, { tenant: who.tenant, id })
  if (!(await ports.log.topic({ tenant, topic }))) throw new Fault('topic_not_found')
  const next = (sub: Subscription): Subscription => ({
    ...sub,
    ...{ status: 'enabled', disabled: null, enabledAtMs: clock.now() },
  })
  return changeOnRecord(ports, who, { id, type: 'mq.subscription.enabled', next })
}

/** Stops delivering. Its group stays, and keeps its events from retention for as long as the service says. */
export async function disableSubscription(ports: HookPorts, who: Who, id: string) {
  const { clock, meters } = ports.hooks
  const next = (sub: Subscription): Subscription =>
    sub.status === 'disabled'
      ? sub
      : { ...sub, status: 'disabled', disabled: { reason: 'requested', atMs: clock.now(), isReleased: false } }
  const view = await changeOnRecord(ports, who, {
    ...{ id, type: 'mq.subscription.disabled', next },
    data: { reason: 'requested' },
  })
  meters.disabled.inc({ reason: 'requested' })
  return view
}

interface Change {
  id: string
  /** Of the event that tells it, and the action on the record. */
  type: 'mq.subscription.changed' | 'mq.subscription.enabled' | 'mq.subscription.disabled'
  data?: Record<string, unknown>
  next(now: Subscription): Subscription
}

async function changeOnRecord(ports: HookPorts, who: Who, { id, type, data, next }: Change) {
  const { store, clock } = ports.hooks
  const address = { tenant: who.tenant, id }
  const { topic } = await needSubscription(store, address)
  const act = { action: type, target: { type: 'subscription', id }, data: { topic, ...data } }
  const after = await recorded(ports, who, {
    act,
    work: () =>
      changed(store, address, (now) =>
        now.status === 'deleting' ? undefined : { ...next(now), changedAtMs: clock.now() },
      ),
  })
  if (!after) throw new Fault('subscription_not_found')
  ports.nudge(address)
  const told = { subscription: id, topic, ...data } as QueueEvents[typeof type]
  await tell(ports, who, { type, subject: id, data: told })
  return viewOf(after, { nowMs: clock.now() })
}
