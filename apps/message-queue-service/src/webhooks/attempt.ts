import type { LogEvent } from '@santaclaude/log/port'
import type { Hooks } from './hooks.ts'
import { messageOf } from './message.ts'
import { type Fate, fateOf } from './schedule.ts'
import type { Sent } from './sender/port.ts'
import { webhookId } from './signing.ts'
import type { Attempt, Subscription } from './store/port.ts'

export interface Sending {
  event: LogEvent
  place: Attempt['place']
  trigger: Attempt['trigger']
  /** 1 = the first attempt of this message. */
  number: number
  /** The pauses that may still follow; none = whatever comes of it, this is the only attempt. */
  retryMs: readonly number[]
  signal?: AbortSignal
}

/** Sends one message once and says what came of it. Keeps nothing. Throws only when the keys cannot be read. */
export async function attempt(
  hooks: Hooks,
  subscription: Subscription,
  { event, place, trigger, number, retryMs, signal }: Sending,
): Promise<{ attempt: Attempt; fate: Fate; isStopped: boolean }> {
  const atMs = hooks.clock.now()
  const message = messageOf(event, subscription.mode)
  const id = webhookId(subscription.id, event)
  const timestampSeconds = Math.floor(atMs / 1_000)
  const signature = hooks.keyring.signer(subscription, atMs)({ id, timestampSeconds, body: message.body })
  const { url, timeoutMs } = subscription
  hooks.meters.inFlight.inc()
  const sent = await hooks.sender.send({
    url,
    timeoutMs,
    body: message.body,
    headers: {
      ...message.headers,
      'user-agent': `Santaclaude-Webhooks/${hooks.version}`,
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': signature,
    },
    ...(signal && { signal }),
  })
  hooks.meters.inFlight.dec()
  const outcome = 'answer' in sent ? sent.answer : sent
  const fate = fateOf(outcome, { attempt: number, retryMs, nowMs: hooks.clock.now() })
  const result = resultOf(fate, trigger)
  const isStopped = 'failure' in sent && sent.failure === 'stopped'
  if (!isStopped) count(hooks, sent, result)
  return {
    fate,
    isStopped,
    attempt: {
      atMs,
      trigger,
      number,
      webhookId: id,
      event: { id: event.id, type: event.type, source: event.source },
      place,
      url,
      result,
      status: 'answer' in sent ? sent.answer.status : null,
      failure: 'failure' in sent ? sent.failure : null,
      latencyMs: sent.latencyMs,
      response: 'answer' in sent ? sent.answer.text : '',
      nextAtMs: fate.fate === 'again' ? hooks.clock.now() + fate.delayMs : null,
    },
  }
}

function resultOf({ fate }: Fate, trigger: Attempt['trigger']): Attempt['result'] {
  if (fate === 'delivered') return 'delivered'
  if (trigger === 'test' || trigger === 'retry') return 'failed'
  return fate === 'dead' ? 'dead' : 'pending'
}

function count({ meters }: Hooks, sent: Sent, result: Attempt['result']) {
  meters.attempts.inc({ result })
  meters.attemptSeconds.observe(sent.latencyMs / 1_000)
  if (result === 'delivered') return
  meters.failures.inc({ reason: 'failure' in sent ? sent.failure : `${Math.floor(sent.answer.status / 100)}xx` })
}

/** Why a message is dead, as its dead letter says it. */
export const deathOf = ({ number, status, failure }: Attempt) =>
  `${number} ${number === 1 ? 'attempt' : 'attempts'} failed, the last one with ${status ?? failure}`
