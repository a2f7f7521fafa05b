import type { Who } from '@santaclaude/service/exchange'
import type { Subject } from '../journal.ts'
import type { Session } from '../pool/session.ts'
import type { Ports } from '../ports.ts'
import { find } from '../sessions/find.ts'

/** Which page a request is about, and who asks. */
export interface PagePlace {
  who: Who
  sessionId: string
  pageId: string
}

/** The session of a page, after making sure that the page is there, and what to write its doings down under. */
export async function placeOf(
  ports: Ports,
  { who, sessionId, pageId }: PagePlace,
): Promise<{ session: Session; subject: Subject }> {
  const session = await find(ports, who.tenant, sessionId)
  session.page(pageId)
  return { session, subject: { tenant: who.tenant, sessionId, pageId, who } }
}
