import type { Session, SessionPage } from './pool/session.ts'
import type { PageView, SessionView } from './schemas.ts'

const iso = (ms: number) => new Date(ms).toISOString()

/** A session as its tenant sees it. */
export const sessionView = (session: Session): SessionView => ({
  id: session.id,
  createdAt: iso(session.createdAtMs),
  idleAt: iso(session.idleAtMs),
  expiresAt: iso(session.expiresAtMs),
  allowEvaluate: session.options.allowEvaluate ?? false,
  browser: session.place.slot.browser?.version ?? '',
  pages: [...session.pages.values()].map(pageView),
})

export const pageView = ({ id, driver, openedAtMs, isPopup }: SessionPage): PageView => ({
  id,
  url: driver.url,
  openedAt: iso(openedAtMs),
  isPopup,
  isCrashed: driver.isCrashed,
})
