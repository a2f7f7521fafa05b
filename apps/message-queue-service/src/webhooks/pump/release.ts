import { LogError } from '@santaclaude/log/port'
import { tell } from '../../tell.ts'
import { changed } from '../change-one.ts'
import { groupOf, recoveryGroupOf } from '../group.ts'
import type { HookPorts } from '../hooks.ts'
import type { Subscription } from '../store/port.ts'

/** Removes the last of a subscription that its tenant deleted. May be repeated, by any replica. */
export async function finishDeletion({ log, hooks }: HookPorts, subscription: Subscription): Promise<void> {
  if (subscription.ownsGroup) await log.deleteGroup(groupOf(subscription))
  await log.deleteGroup(recoveryGroupOf(subscription))
  await hooks.store.subscriptions.remove(subscription)
}

/**
 * Lets retention have the events of a subscription that has been disabled for too long: its group would hold them for
 * ever, and a topic that is full because of an endpoint nobody minds is a topic nobody can publish to. Where it stood is
 * remembered, so enabling it goes on there, as far as the events are still kept. Its dead letters go with the group.
 */
export async function releaseIfDue(ports: HookPorts, subscription: Subscription): Promise<void> {
  const { log, hooks } = ports
  const { tenant, id, topic, ownsGroup, disabled } = subscription
  const nowMs = hooks.clock.now()
  if (!ownsGroup || !disabled || disabled.isReleased || nowMs - disabled.atMs < hooks.policy.keepDisabledMs) return
  const storeMs = await hooks.store.subscriptions.nowMs()
  const lag = await log.lag(groupOf(subscription)).catch((error) => {
    if (error instanceof LogError && /^(group|topic)_not_found$/.test(error.code)) return undefined
    throw error
  })
  const startMs = storeMs - (lag?.oldestUnsettledMs ?? 0)
  const after = await changed(hooks.store, subscription, (now) =>
    now.disabled && !now.disabled.isReleased
      ? { ...now, startMs, disabled: { ...now.disabled, isReleased: true } }
      : undefined,
  )
  if (!after) return
  await log.deleteGroup(groupOf(subscription))
  const events = lag ? lag.ready + lag.leased + lag.parked : 0
  await tell(
    ports,
    { tenant },
    {
      type: 'mq.subscription.released',
      subject: id,
      data: { subscription: id, topic, unsettled: events, since: new Date(startMs).toISOString() },
    },
  )
}
