import { type Appended, type Delayed, LogError, type NewEvent } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault, type FieldError } from '@santaclaude/service/faults'
import { isPlatformTopic } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import type { Violation } from '../schemas/registry.ts'
import { attempted } from '../tell.ts'
import { type Incoming, toNewEvent } from './cloudevent.ts'
import { publishAct } from './publish-ledger.ts'
import { durabilityText, type Wishes } from './wishes.ts'

export interface Publishing {
  topic: string
  wishes: Wishes
  /** The request's Idempotency-Key. */
  idempotencyKey?: string | undefined
  /** One of our own services: it keeps its own record. */
  isInternal: boolean
}

/** What became of one event: where it lies, when it is due, or why it was refused. */
export type Published =
  | { id: string; partition: number; streamId: string; duplicate: boolean; durability: string }
  | { id: string; partition: number; dueAt: string; duplicate: boolean; durability: string }
  | { id: string; code: 'idempotency_conflict' | 'topic_full' }

/** What became of the events of one request, in their order. `epoch`: of the partition of the first one kept. */
export interface Kept {
  results: Published[]
  epoch?: string
}

const errorsMax = 20
/** Events that are looked at in one turn of the event loop. */
const turnMax = 1_000

/**
 * Publishes the events of one request, in order, and answers where each one lies. All of them must fit before the first
 * is kept. Faults: topic_not_found, validation_failed, event_too_large, audit_unavailable, store_unavailable,
 * outcome_unknown, storage_full, durability_unavailable, and for a whole idempotency_conflict, topic_full,
 * expected_id_mismatch, several_partitions.
 */
export async function publish(
  ports: QueuePorts,
  who: Who,
  { arrived, ...publishing }: Publishing & { arrived: { isBatch: boolean; incoming: Incoming[] } },
): Promise<Kept> {
  await admit(ports, who, publishing)
  const errors: FieldError[] = []
  const events: NewEvent[] = []
  for (const [n, incoming] of arrived.incoming.entries()) {
    // Others get their turn within a large batch.
    if (n % turnMax === turnMax - 1) await new Promise(setImmediate)
    const made = eventOf(who, publishing, { incoming, ...(arrived.isBatch ? { n } : {}) })
    if (!Array.isArray(made)) events.push(made)
    else if (errors.length < errorsMax) errors.push(...made)
  }
  const first = errors[0]
  if (first) throw new Fault('validation_failed', { detail: `${first.path} ${first.message}.`, errors })
  const [violation, ...more] = await ports.schemas.refused({ tenant: who.tenant, topic: publishing.topic }, events)
  if (violation) throw misfit([violation, ...more], arrived.incoming)
  return keep(ports, who, { ...publishing, events })
}

/** The refusal of events that do not fit their schemas, with pointers into the request. */
function misfit(violations: Violation[], incoming: Incoming[]): Fault {
  const errors = violations.slice(0, errorsMax).map(({ index, type, version, path, message }) => ({
    path: `${incoming[index]?.path}${path}`,
    message: `${message} (version ${version} of ${type})`,
  }))
  return new Fault('schema_violation', { detail: `${errors[0]?.path} ${errors[0]?.message}.`, errors })
}

/** Whether the caller may publish to the topic at all. */
export async function admit(ports: QueuePorts, { tenant }: Who, { topic, isInternal }: Publishing): Promise<void> {
  if (isPlatformTopic(topic) && !isInternal)
    throw new Fault('forbidden', { detail: 'Only the platform writes to this topic.' })
  if (!(await ports.log.topic({ tenant, topic })) && !isPlatformTopic(topic)) throw new Fault('topic_not_found')
}

/** The event as the log takes it, or what is wrong with it. `n` is its place in a request of many. */
export function eventOf(
  who: Who,
  { wishes: { partitionKey, ttlMs }, idempotencyKey }: Publishing,
  { incoming, n }: { incoming: Incoming; n?: number },
): NewEvent | FieldError[] {
  const made = toNewEvent(incoming, {
    tenant: who.tenant,
    keyId: who.actor.id,
    traceparent: who.traceparent,
    nowMs: Date.now(),
    ...(idempotencyKey === undefined
      ? {}
      : { idempotencyKey: n === undefined ? idempotencyKey : `${idempotencyKey}/${n}` }),
  })
  if (Array.isArray(made)) return made
  return {
    ...(partitionKey === undefined ? {} : { partitionkey: partitionKey }),
    ...made,
    ...(ttlMs === undefined ? {} : { ttlMs }),
  }
}

/** Keeps events that fit, on the record. */
export async function keep(
  ports: QueuePorts,
  who: Who,
  { topic, wishes, isInternal, events }: Publishing & { events: NewEvent[] },
): Promise<Kept> {
  const address = { tenant: who.tenant, topic }
  if (!isInternal) await ports.quotas.publish(who.tenant, events.length)
  const { due, durability = {}, isAtomic, expectedLastId } = wishes
  const create = isPlatformTopic(topic)
  const work = (): Promise<(Appended | Delayed)[]> =>
    due
      ? ports.log.appendLater(address, events, { due, durability, create })
      : ports.log.append(address, events, {
          ...{ durability, create, isAtomic },
          ...(expectedLastId === undefined ? {} : { expectedLastId }),
        })
  const ids = events.map(({ id }) => id)
  const outcomes = await (isInternal ? work() : onRecord(ports, who, { topic, ids, work })).catch(explain)
  const results = outcomes.map((outcome, n) => told(events[n] as NewEvent, outcome))
  count(ports.meters, outcomes)
  const placed = outcomes.find((outcome) => 'epoch' in outcome)
  return { results, ...(placed && 'epoch' in placed ? { epoch: placed.epoch } : {}) }
}

/** Publishes after the record of it, which it may share with others that came at the same time. */
async function onRecord<Result>(
  ports: QueuePorts,
  who: Who,
  { topic, ids, work }: { topic: string; ids: string[]; work: () => Promise<Result> },
): Promise<Result> {
  const recordId = await ports.ledger.note({ who, topic, ids })
  return attempted(ports, who, { act: publishAct(topic, ids), work, recordId })
}

/** The refusals whose own words help the caller, and hold nothing that is not theirs. */
const telling = ['durability_unavailable', 'expected_id_mismatch', 'several_partitions', 'event_too_large'] as const

function explain(error: unknown): never {
  const code = error instanceof LogError && telling.find((own) => own === error.code)
  throw code ? new Fault(code, { detail: (error as LogError).message, cause: error }) : error
}

function told({ id }: NewEvent, outcome: Appended | Delayed): Published {
  if (!outcome.ok) return { id, code: outcome.code }
  const { partition, isDuplicate: duplicate } = outcome
  const durability = durabilityText(outcome.durability)
  if ('streamId' in outcome) return { id, partition, streamId: outcome.streamId, duplicate, durability }
  return { id, partition, dueAt: new Date(outcome.dueAtMs).toISOString(), duplicate, durability }
}

/** Counts what became of the events, once per kind: a look-up of a counter costs as much as an event. */
function count({ published }: QueuePorts['meters'], outcomes: (Appended | Delayed)[]) {
  const counts = { new: 0, duplicate: 0, delayed: 0, full: 0, conflict: 0 }
  for (const outcome of outcomes)
    if (!outcome.ok) counts[outcome.code === 'topic_full' ? 'full' : 'conflict']++
    else counts[outcome.isDuplicate ? 'duplicate' : 'dueAtMs' in outcome ? 'delayed' : 'new']++
  for (const [result, number] of Object.entries(counts)) if (number > 0) published.inc({ result }, number)
}
