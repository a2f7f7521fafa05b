import type { Appended, NewEvent } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault, type FieldError } from '@santaclaude/service/faults'
import { isPlatformTopic } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded } from '../tell.ts'
import type { Arrived } from './arriving.ts'
import { toNewEvent } from './cloudevent.ts'

export interface Publishing {
  topic: string
  arrived: Arrived
  /** The request's Idempotency-Key. */
  idempotencyKey?: string | undefined
  /** One of our own services: it keeps its own record. */
  isInternal: boolean
}

/** What became of one event. */
export type Published =
  | { id: string; partition: number; streamId: string; duplicate: boolean }
  | { id: string; code: 'idempotency_conflict' | 'topic_full' }

const errorsMax = 20

/**
 * Publishes the events of one request, in order, and answers where each one lies. All of them must fit before the first
 * is kept. Faults: topic_not_found, validation_failed, event_too_large, audit_unavailable, store_unavailable,
 * outcome_unknown, storage_full.
 */
export async function publish(ports: QueuePorts, who: Who, publishing: Publishing): Promise<Published[]> {
  const { topic, isInternal } = publishing
  const address = { tenant: who.tenant, topic }
  if (isPlatformTopic(topic) && !isInternal)
    throw new Fault('forbidden', { detail: 'Only the platform writes to this topic.' })
  if (!(await ports.log.topic(address)) && !isPlatformTopic(topic)) throw new Fault('topic_not_found')
  const events = eventsOf(who, publishing)
  if (!isInternal) await ports.quotas.publish(who.tenant, events.length)
  const work = () => ports.log.append(address, events, { create: isPlatformTopic(topic) })
  const act = {
    action: 'mq.event.published',
    target: { type: 'topic', id: topic },
    data: { count: events.length, ids: events.slice(0, 100).map(({ id }) => id) },
  }
  const appended = isInternal ? await work() : await recorded(ports, who, { act, work })
  return appended.map((outcome, n) => told(ports, events[n] as NewEvent, outcome))
}

function eventsOf(who: Who, { arrived, idempotencyKey }: Publishing): NewEvent[] {
  const errors: FieldError[] = []
  const events: NewEvent[] = []
  const nowMs = Date.now()
  for (const [n, incoming] of arrived.incoming.entries()) {
    const own = arrived.isBatch ? `${idempotencyKey}/${n}` : idempotencyKey
    const made = toNewEvent(incoming, {
      tenant: who.tenant,
      keyId: who.actor.id,
      traceparent: who.traceparent,
      nowMs,
      ...(idempotencyKey === undefined || own === undefined ? {} : { idempotencyKey: own }),
    })
    if (!Array.isArray(made)) events.push(made)
    else if (errors.length < errorsMax) errors.push(...made)
  }
  const first = errors[0]
  if (first) throw new Fault('validation_failed', { detail: `${first.path} ${first.message}.`, errors })
  return events
}

function told({ meters }: QueuePorts, { id }: NewEvent, outcome: Appended): Published {
  if (!outcome.ok) {
    meters.published.inc({ result: outcome.code === 'topic_full' ? 'full' : 'conflict' })
    return { id, code: outcome.code }
  }
  const { partition, streamId, isDuplicate: duplicate } = outcome
  meters.published.inc({ result: duplicate ? 'duplicate' : 'new' })
  return { id, partition, streamId, duplicate }
}
