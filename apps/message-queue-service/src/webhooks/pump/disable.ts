import { uuidv7 } from '@santaclaude/kit/ids'
import { tell } from '../../tell.ts'
import { changed } from '../change-one.ts'
import type { HookPorts } from '../hooks.ts'
import type { DisabledReason, Subscription } from '../store/port.ts'

/** The service disables a subscription by itself. On the record first; when that cannot be had, the next failure tries again. */
export async function disableByItself(
  ports: HookPorts,
  { tenant, id, topic }: Subscription,
  { reason, failingSinceMs }: { reason: Exclude<DisabledReason, 'requested'>; failingSinceMs: number | null },
): Promise<void> {
  const { audit, hooks } = ports
  if ((await hooks.store.subscriptions.find({ tenant, id }))?.status !== 'enabled') return
  const nowMs = hooks.clock.now()
  const data = { topic, reason, ...(failingSinceMs && { failingSince: new Date(failingSinceMs).toISOString() }) }
  await audit.record({
    id: uuidv7(),
    tenant,
    actor: { type: 'service', id: 'message-queue-service' },
    action: 'mq.subscription.disabled',
    outcome: 'success',
    target: { type: 'subscription', id },
    data,
  })
  const after = await changed(hooks.store, { tenant, id }, (now) =>
    now.status === 'enabled'
      ? { ...now, status: 'disabled', disabled: { reason, atMs: nowMs, isReleased: false }, changedAtMs: nowMs }
      : undefined,
  )
  if (!after) return
  hooks.meters.disabled.inc({ reason })
  ports.nudge({ tenant, id })
  await tell(ports, { tenant }, { type: 'mq.subscription.disabled', subject: id, data: { subscription: id, ...data } })
}
