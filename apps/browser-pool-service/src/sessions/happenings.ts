import type { Who } from '@santaclaude/service/exchange'
import { note } from '../journal.ts'
import type { EndReason, Session, SessionPage } from '../pool/session.ts'
import type { Ports } from '../ports.ts'

/** Writes down that a session ended, whoever or whatever ended it. An end is a fact: nothing here can refuse it. */
export function recordEnd(
  { journal, directory, now }: Pick<Ports, 'journal' | 'directory'> & { now: () => number },
  session: Session,
  { reason, by }: { reason: EndReason; by: Who | undefined },
): void {
  const { tenant, id, createdAtMs } = session
  directory.remove(tenant, id).catch(() => {})
  const subject = { tenant, sessionId: id, who: by }
  note(journal, subject, {
    type: 'browser.session.closed',
    outcome: reason === 'browser_crashed' ? 'failure' : 'success',
    facts: { reason, livedMs: Math.max(0, now() - createdAtMs) },
  }).catch(() => {})
}

/** Writes down that a page opened another one. */
export function recordPopup({ journal }: Pick<Ports, 'journal'>, session: Session, page: SessionPage): void {
  const subject = { tenant: session.tenant, sessionId: session.id, pageId: page.id }
  note(journal, subject, { type: 'browser.page.opened', facts: { isPopup: true } }).catch(() => {})
}
