import type { Who } from '@santaclaude/service/exchange'
import { recorded, tell } from '../tell.ts'
import { changed } from './change-one.ts'
import type { HookPorts } from './hooks.ts'
import { needSubscription } from './need.ts'
import { finishDeletion } from './pump/release.ts'

/** Deletes a subscription with its own group, its dead letters and its attempts. A group it shared stays. */
export async function removeSubscription(ports: HookPorts, who: Who, id: string): Promise<void> {
  const { store } = ports.hooks
  const address = { tenant: who.tenant, id }
  const { topic } = await needSubscription(store, address)
  const act = { action: 'mq.subscription.deleted', target: { type: 'subscription', id }, data: { topic } }
  await recorded(ports, who, {
    act,
    work: async () => {
      // Marked first: whatever breaks off from here on, whoever has the duty finishes it, and no group is left behind.
      const marked = await changed(store, address, (now) => ({ ...now, status: 'deleting' }))
      if (marked) await finishDeletion(ports, marked)
    },
  })
  ports.nudge(address)
  await tell(ports, who, { type: 'mq.subscription.deleted', subject: id, data: { subscription: id, topic } })
}
