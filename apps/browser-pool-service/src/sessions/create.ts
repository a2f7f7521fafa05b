import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { note } from '../journal.ts'
import type { Session, SessionOptions } from '../pool/session.ts'
import type { Ports } from '../ports.ts'
import { listingMs } from './listing.ts'

/**
 * Opens a browser session, waiting for a place at most `queueWaitMs`. Without its audit record there is no session.
 * Faults: validation_failed, session_limit, pool_busy, browser_unavailable, audit_unavailable.
 */
export async function create(
  { pool, journal, directory, replica }: Ports,
  {
    who,
    options,
    queueWaitMs,
    signal,
  }: { who: Who; options: SessionOptions; queueWaitMs?: number | undefined; signal: AbortSignal },
): Promise<Session> {
  checkPlace(options)
  const session = await pool.open(who.tenant, options, {
    signal,
    ...(queueWaitMs !== undefined && { waitMs: queueWaitMs }),
  })
  const facts = {
    browser: session.place.slot.browser?.version ?? '',
    allowEvaluate: options.allowEvaluate ?? false,
  }
  try {
    await note(journal, { tenant: who.tenant, sessionId: session.id, who }, { type: 'browser.session.created', facts })
  } catch (error) {
    await pool.end(session, 'closed', who)
    throw error
  }
  // The next renewal lists it too; a session that others cannot find for a moment is better than none.
  await directory.list([{ tenant: who.tenant, id: session.id, replica }], { ttlMs: listingMs }).catch(() => {})
  return session
}

/** Chromium would fail on these only at the first page, and in words of its own. */
function checkPlace({ locale, timezone }: SessionOptions): void {
  const complain = (field: string, message: string) => {
    throw new Fault('validation_failed', {
      detail: `/body/${field}: ${message}.`,
      errors: [{ path: `/body/${field}`, message }],
    })
  }
  try {
    if (locale !== undefined) Intl.getCanonicalLocales(locale)
  } catch {
    complain('locale', 'is not a language tag such as de-DE')
  }
  try {
    if (timezone !== undefined) new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    complain('timezone', 'is not a time zone such as Europe/Berlin')
  }
}
