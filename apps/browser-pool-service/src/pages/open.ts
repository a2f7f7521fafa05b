import type { Who } from '@santaclaude/service/exchange'
import { note } from '../journal.ts'
import type { SessionPage } from '../pool/session.ts'
import type { Ports } from '../ports.ts'
import { find } from '../sessions/find.ts'
import { type PagePlace, placeOf } from './place.ts'

const openDeadlineMs = 15_000
const closeDeadlineMs = 5_000

/** Opens an empty page. Faults: session_not_found, page_limit, deadline_exceeded, audit_unavailable. */
export async function open(ports: Ports, { who, sessionId }: { who: Who; sessionId: string }): Promise<SessionPage> {
  const session = await find(ports, who.tenant, sessionId)
  const page = await session.openPage(openDeadlineMs)
  try {
    const subject = { tenant: who.tenant, sessionId, pageId: page.id, who }
    await note(ports.journal, subject, { type: 'browser.page.opened', facts: { isPopup: false } })
  } catch (error) {
    await page.driver.close({ deadlineMs: closeDeadlineMs })
    throw error
  }
  return page
}

/** Closes a page, also one that loops or has crashed. Faults: session_not_found, page_not_found. */
export async function close(ports: Ports, place: PagePlace): Promise<void> {
  const { session, subject } = await placeOf(ports, place)
  await session.page(place.pageId).driver.close({ deadlineMs: closeDeadlineMs })
  session.pages.delete(place.pageId)
  // Closing gives up something and takes nothing: it is not held back by an audit trail that is away.
  await note(ports.journal, subject, { type: 'browser.page.closed' }).catch(() => {})
}
