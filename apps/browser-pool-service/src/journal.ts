import type { AuditEntry } from '@santaclaude/audit/record'
import type { Recorder } from '@santaclaude/audit/recorder'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Emit } from '@santaclaude/log/emit'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { BrowserEvents } from './contract.ts'

/** Where what happens is written down: the audit trail, which may refuse, and the topic `browser`, which may not. */
export interface Journal {
  recorder: Recorder
  emit: Emit
  /** Told of each event that could not be emitted. */
  onEventMissed(error: unknown): void
}

/** What an act is about. `who` is absent when the service itself acts: a crash, an idle session. */
export interface Subject {
  tenant: string
  sessionId: string
  pageId?: string
  who?: Who | undefined
}

type Facts = Record<string, unknown>

/** What reaches outward, and the action its intent is recorded under. */
const intents = {
  'browser.page.navigated': 'browser.navigation.requested',
  'browser.page.acted': 'browser.action.requested',
  'browser.page.evaluated': 'browser.evaluation.requested',
} satisfies Partial<Record<keyof BrowserEvents, string>>
type Outward = keyof typeof intents

const self = { type: 'service', id: 'browser-pool-service' }

/** Writes one thing down that has happened. Rejects when the audit trail must have it and cannot. */
export async function note(
  journal: Journal,
  subject: Subject,
  happened: { type: keyof BrowserEvents; outcome?: AuditEntry['outcome']; parentId?: string; facts?: Facts },
): Promise<void> {
  const { type, outcome = 'success', parentId, facts = {} } = happened
  await journal.recorder.record(entryOf(subject, { action: type, outcome, parentId, data: facts }))
  if (outcome !== 'denied') await tell(journal, subject, type, { ...facts, outcome })
}

/**
 * Does something that reaches outward: its intent is on record before it is begun, or it is not begun. What came of it is
 * written down too, under the intent's id; if that fails the act has still happened, so its answer stands.
 */
export async function act<T>(
  journal: Journal,
  subject: Subject,
  { type, facts, done, work }: { type: Outward; facts: Facts; done: (result: T) => Facts; work: () => Promise<T> },
): Promise<T> {
  const intentId = uuidv7()
  const requested = { action: intents[type], outcome: 'success' as const, data: facts }
  await journal.recorder.record({ ...entryOf(subject, requested), id: intentId })
  const close = (outcome: 'success' | 'failure', more: Facts) =>
    note(journal, subject, { type, outcome, parentId: intentId, facts: { ...facts, ...more } }).catch(() => {})
  try {
    const result = await work()
    await close('success', done(result))
    return result
  } catch (error) {
    await close('failure', { code: error instanceof Fault ? error.code : 'internal' })
    throw error
  }
}

function entryOf(
  { tenant, sessionId, pageId, who }: Subject,
  rest: Pick<AuditEntry, 'action' | 'outcome' | 'data' | 'parentId'>,
): AuditEntry {
  return {
    tenant,
    actor: who?.actor ?? self,
    target: pageId ? { type: 'browser.page', id: pageId } : { type: 'browser.session', id: sessionId },
    sessionId,
    requestId: who?.requestId,
    traceId: who?.traceId,
    ip: who?.ip,
    userAgent: who?.userAgent,
    ...rest,
  }
}

async function tell(
  { emit, onEventMissed }: Journal,
  { tenant, sessionId, pageId, who }: Subject,
  type: keyof BrowserEvents,
  facts: Facts,
): Promise<void> {
  const actor = who ? who.actor : self
  await emit({
    tenant,
    topic: 'browser',
    type,
    subject: sessionId,
    partitionkey: sessionId,
    data: { sessionId, ...(pageId && { pageId }), actor: { type: actor.type, id: actor.id }, ...facts },
    ...(who && { traceparent: who.traceparent }),
  }).catch(onEventMissed)
}
