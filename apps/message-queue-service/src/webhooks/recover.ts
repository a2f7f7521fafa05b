import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { recorded, tell } from '../tell.ts'
import { changed } from './change-one.ts'
import type { HookPorts } from './hooks.ts'
import { needSubscription } from './need.ts'
import type { Subscription } from './store/port.ts'
import { recoveryViewOf } from './view.ts'

/**
 * Has everything since a time delivered again, by the same filter and schedule, through a group of its own: leased,
 * retried and counted like any other delivery, and finished by the next replica when this one dies. Each message keeps
 * its id, so a receiver that remembers ids handles only what it missed. Faults: subscription_not_found, conflict.
 */
export async function recoverSince(ports: HookPorts, who: Who, { id, since }: { id: string; since: string }) {
  const { store, clock } = ports.hooks
  const address = { tenant: who.tenant, id }
  const { topic } = check(await needSubscription(store, address))
  const untilMs = await store.subscriptions.nowMs()
  const sinceMs = Date.parse(since)
  if (sinceMs >= untilMs)
    throw new Fault('validation_failed', { errors: [{ path: '/body/since', message: 'must lie in the past' }] })
  const times = { since: new Date(sinceMs).toISOString(), until: new Date(untilMs).toISOString() }
  const act = {
    action: 'mq.subscription.recovery_started',
    target: { type: 'subscription', id },
    data: { topic, ...times },
  }
  const recovery = { sinceMs, untilMs, startedAtMs: clock.now(), endedAtMs: null, failed: 0, state: 'running' as const }
  const work = () => changed(store, address, (now) => ({ ...check(now), recovery }))
  if (!(await recorded(ports, who, { act, work }))) throw new Fault('subscription_not_found')
  ports.nudge(address)
  const data = { subscription: id, topic, ...times }
  await tell(ports, who, { type: 'mq.subscription.recovery_started', subject: id, data })
  return recoveryViewOf(recovery)
}

function check(subscription: Subscription): Subscription {
  if (subscription.status !== 'enabled')
    throw new Fault('conflict', { detail: 'The subscription is disabled; enable it first.' })
  if (subscription.recovery?.state === 'running') throw new Fault('conflict', { detail: 'A recovery is under way.' })
  return subscription
}
