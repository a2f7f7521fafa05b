import { uuidv7 } from '@santaclaude/kit/ids'
import type { Ordering } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { topicForReader } from '../platform.ts'
import { recorded, tell } from '../tell.ts'
import { ownGroupName, putGroupFor } from './group.ts'
import type { HookPorts } from './hooks.ts'
import { checkFilter, needEndpoint } from './need.ts'
import { defaultRetryMs } from './schedule.ts'
import type { Subscription, SubscriptionSettings } from './store/port.ts'
import { viewOf } from './view.ts'

export interface SubscriptionWish extends Partial<SubscriptionSettings> {
  topic: string
  url: string
  /** A group of the topic to deliver from, shared with whoever else reads through it; its own group unless said. */
  group?: string
  /** Of its own group. */
  ordering?: Ordering
  /** `latest` (unless said), `earliest`, or an RFC 3339 time. */
  start?: string
}

export const defaults: Omit<SubscriptionSettings, 'url'> = {
  description: '',
  types: [],
  where: null,
  mode: 'structured',
  timeoutMs: 15_000,
  retryMs: defaultRetryMs,
  concurrency: 8,
  disableAfterMs: 5 * 86_400_000,
}

/**
 * Makes a subscription with keys of its own and answers it with its secret, which is not shown again. Faults:
 * topic_not_found, validation_failed, address_refused, quota_exceeded.
 */
export async function createSubscription(ports: HookPorts, who: Who, wish: SubscriptionWish) {
  const { hooks, log } = ports
  const { tenant } = who
  const { topic, group, ordering = 'none', start = 'latest', ...settings } = wish
  const ownsGroup = group === undefined
  await topicForReader(log, { tenant, topic })
  const url = needEndpoint(hooks.policy, wish.url)
  checkFilter(settings, { ownsGroup })
  if (!ownsGroup) checkShared(wish)
  const id = uuidv7()
  const nowMs = await hooks.store.subscriptions.nowMs()
  const from = startOf(start)
  const { secret, ...keys } = hooks.keyring.first(id)
  const subscription: Subscription = {
    ...defaults,
    ...settings,
    ...keys,
    ...{ tenant, id, topic, url, group: group ?? ownGroupName(id), ownsGroup, ordering },
    ...{ status: 'enabled', disabled: null, recovery: null, version: 1 },
    startMs: 'sinceMs' in from ? from.sinceMs : from.at === 'latest' ? nowMs : 0,
    ...{ enabledAtMs: hooks.clock.now(), createdAtMs: nowMs, changedAtMs: nowMs },
  }
  const act = {
    action: 'mq.subscription.created',
    target: { type: 'subscription', id },
    data: { topic, group: subscription.group, origin: new URL(url).origin, types: subscription.types },
  }
  await recorded(ports, who, {
    act,
    work: async () => {
      if ((await hooks.store.subscriptions.create(subscription, hooks.policy.subscriptionsMax)) === 'full')
        throw new Fault('quota_exceeded', {
          detail: `A tenant has at most ${hooks.policy.subscriptionsMax} subscriptions.`,
        })
      // When this breaks off, whoever delivers for the subscription makes the group.
      await putGroupFor(ports, subscription, { start: from })
    },
  })
  ports.nudge(subscription)
  const data = { subscription: id, topic, group: subscription.group }
  await tell(ports, who, { type: 'mq.subscription.created', subject: id, data })
  return { ...viewOf(subscription, { nowMs: hooks.clock.now() }), secret }
}

const startOf = (start: string): { at: 'latest' | 'earliest' } | { sinceMs: number } =>
  start === 'latest' || start === 'earliest' ? { at: start } : { sinceMs: Date.parse(start) }

/** What belongs to a group cannot be said of one that others made. */
function checkShared({ group = '', ordering, start }: SubscriptionWish): void {
  const complain = (field: string, message: string) => {
    throw new Fault('validation_failed', {
      detail: `${field} ${message}.`,
      errors: [{ path: `/body/${field}`, message }],
    })
  }
  if (group.startsWith(ownGroupName(''))) complain('group', 'must not begin with hook-')
  if (ordering !== undefined) complain('ordering', 'is the shared group’s own')
  if (start !== undefined) complain('start', 'is the shared group’s own')
}
