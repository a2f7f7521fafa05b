import type { EndReason } from './pool/session.ts'

export type { Acted, Navigated, PageView, SessionList, SessionView, SnapshotView } from './schemas.ts'
export type { EndReason }

/** What the service tells on the topic `browser`, by event type. The event's subject and partition key are the session's id. */
export interface BrowserEvents {
  'browser.session.created': OfSession & { browser: string; allowEvaluate: boolean }
  'browser.session.closed': OfSession & { reason: EndReason; livedMs: number }
  'browser.page.opened': OfPage & { isPopup: boolean }
  'browser.page.closed': OfPage
  'browser.page.navigated': OfPage & Failing & { url: string; status?: number }
  'browser.page.acted': OfPage & Failing & { action: string; url: string }
  'browser.page.waited': OfPage & Failing & { for: string }
  'browser.page.evaluated': OfPage & Failing & { scriptSha256: string; scriptChars: number; resultBytes?: number }
  'browser.page.captured': OfPage & { kind: 'snapshot' | 'screenshot' | 'pdf'; url: string; bytes: number }
}

interface OfSession {
  sessionId: string
  actor: { type: string; id: string }
  outcome: 'success' | 'failure'
}

interface OfPage extends OfSession {
  pageId: string
}

interface Failing {
  /** The code of the fault, when the outcome is a failure. */
  code?: string
}
