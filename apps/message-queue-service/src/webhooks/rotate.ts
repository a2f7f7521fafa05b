import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { recorded, tell } from '../tell.ts'
import { changed } from './change-one.ts'
import type { HookPorts } from './hooks.ts'
import { needSubscription } from './need.ts'

/**
 * New signing keys. Old and new sign together for `overlapMs`, so no receiver needs to change at the same moment. The
 * secret is shown here and not again.
 */
export async function rotateSecret(
  ports: HookPorts,
  who: Who,
  { id, overlapMs }: { id: string; overlapMs?: number | undefined },
): Promise<{ secret: string; publicKey: string; overlapUntil: string }> {
  const { store, keyring, policy, clock } = ports.hooks
  const address = { tenant: who.tenant, id }
  const { topic } = await needSubscription(store, address)
  const nowMs = clock.now()
  const untilMs = nowMs + (overlapMs ?? policy.rotationMs)
  const overlapUntil = new Date(untilMs).toISOString()
  const act = {
    action: 'mq.subscription.secret_rotated',
    target: { type: 'subscription', id },
    data: { topic, overlapUntil },
  }
  let secret = ''
  const after = await recorded(ports, who, {
    act,
    work: () =>
      changed(store, address, (now) => {
        if (now.status === 'deleting') return undefined
        const { secret: made, ...keys } = keyring.rotated(now, { nowMs, untilMs })
        secret = made
        return { ...now, ...keys, changedAtMs: nowMs }
      }),
  })
  if (!after) throw new Fault('subscription_not_found')
  ports.nudge(address)
  const data = { subscription: id, topic }
  await tell(ports, who, { type: 'mq.subscription.secret_rotated', subject: id, data })
  return { secret, publicKey: after.publicKeys[0]?.key ?? '', overlapUntil }
}
