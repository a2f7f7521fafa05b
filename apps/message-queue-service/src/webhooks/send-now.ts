import { uuidv7 } from '@santaclaude/kit/ids'
import type { EventLog, LogEvent } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { recorded } from '../tell.ts'
import { attempt, type Sending } from './attempt.ts'
import type { HookPorts } from './hooks.ts'
import { needSubscription } from './need.ts'
import type { Subscription } from './store/port.ts'
import { attemptViewOf } from './view.ts'

/** Sends a made-up event now, also while the subscription is disabled, and answers what came of it. It is not retried. */
export async function sendTest(
  ports: HookPorts,
  who: Who,
  { id, type = 'mq.subscription.tested', data }: { id: string; type?: string | undefined; data?: unknown },
) {
  const subscription = await needSubscription(ports.hooks.store, { tenant: who.tenant, id })
  const attributes = {
    time: new Date(ports.hooks.clock.now()).toISOString(),
    ...{ datacontenttype: 'application/json', subject: id, tenant: who.tenant, traceparent: who.traceparent },
  }
  const event: LogEvent = {
    ...{ id: uuidv7(), source: '/message-queue-service', type },
    attributesJson: JSON.stringify(attributes),
    dataJson: JSON.stringify(data ?? { subscription: id }),
  }
  return sendNow(ports, who, { subscription, action: 'mq.subscription.tested', event, place: null, trigger: 'test' })
}

/**
 * Sends the event of an earlier attempt again now, whatever became of it since, and answers what came of it. The
 * message keeps its id. Faults: subscription_not_found, attempt_not_found, event_not_found, conflict.
 */
export async function retryAttempt(ports: HookPorts, who: Who, { id, attemptId }: { id: string; attemptId: string }) {
  const { store } = ports.hooks
  const subscription = await needSubscription(store, { tenant: who.tenant, id })
  const earlier = await store.attempts.find(subscription, attemptId)
  if (!earlier) throw new Fault('attempt_not_found')
  if (!earlier.place) throw new Fault('conflict', { detail: 'A test message is not kept; send another one.' })
  const { place } = earlier
  const event = await eventAt(ports.log, subscription, place)
  if (!event) throw new Fault('event_not_found')
  return sendNow(ports, who, { subscription, action: 'mq.subscription.retried', event, place, trigger: 'retry' })
}

type Now = Pick<Sending, 'event' | 'place' | 'trigger'> & { subscription: Subscription; action: string }

async function sendNow(ports: HookPorts, who: Who, { subscription, action, ...sending }: Now) {
  const { hooks } = ports
  const act = {
    action,
    target: { type: 'subscription', id: subscription.id },
    data: { topic: subscription.topic, event: sending.event.id },
  }
  const work = () => attempt(hooks, subscription, { ...sending, number: 1, retryMs: [] })
  const sent = await recorded(ports, who, { act, work })
  return attemptViewOf(await hooks.store.attempts.add(subscription, sent.attempt, { keep: hooks.policy.attemptsKept }))
}

async function eventAt(log: EventLog, { tenant, topic }: Subscription, place: { partition: number; streamId: string }) {
  const { partition, streamId } = place
  const { entries } = await log.readPartition({ tenant, topic }, { partition, after: justBefore(streamId), limit: 1 })
  return entries.find((entry) => entry.streamId === streamId)?.event
}

/** The greatest stream id below this one. */
function justBefore(streamId: string): string {
  const [ms = '0', sequence = '0'] = streamId.split('-')
  if (BigInt(sequence) > 0n) return `${ms}-${BigInt(sequence) - 1n}`
  return BigInt(ms) > 0n ? `${BigInt(ms) - 1n}-18446744073709551615` : '0-0'
}
