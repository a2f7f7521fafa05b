import { Fault } from '@santaclaude/service/faults'
import type { DriverPage, Snapshot } from '../driver/page.ts'
import { AddressRefused, openableAddress, recordedAddress } from '../egress/address.ts'
import { act, note } from '../journal.ts'
import type { Ports } from '../ports.ts'
import type { Navigated } from '../schemas.ts'
import { type PagePlace, placeOf } from './place.ts'

const defaultDeadlineMs = 30_000
/** What an answer is embellished with may take this long and no longer; the act itself is done. */
const extrasMs = 2_000
export const snapshotCharsMax = 50_000

export interface Navigation {
  url: string
  waitUntil?: 'commit' | 'domcontentloaded' | 'load'
  deadlineMs?: number
  snapshot?: boolean
}

/**
 * Opens an address in a page. Faults: address_refused (recorded as denied), page_unreachable, deadline_exceeded,
 * page_crashed, page_busy.
 */
export async function navigate(ports: Ports, place: PagePlace, wanted: Navigation): Promise<Navigated> {
  const { session, subject } = await placeOf(ports, place)
  const { waitUntil: until = 'load', deadlineMs = defaultDeadlineMs } = wanted
  const facts = { url: recordedAddress(wanted.url) }
  const url = await openableAddress(wanted.url, ports.egress).catch(async (error) => {
    if (!(error instanceof AddressRefused)) throw error
    await note(ports.journal, subject, { type: 'browser.page.navigated', outcome: 'denied', facts })
    throw new Fault('address_refused', { detail: error.detail })
  })
  return act(ports.journal, subject, {
    type: 'browser.page.navigated',
    facts,
    done: ({ url, status }) => ({ url: recordedAddress(url), ...(status !== undefined && { status }) }),
    work: () =>
      session.run(place.pageId, deadlineMs, async (page, leftMs) => {
        const { status } = await page.navigate(url, { until, deadlineMs: leftMs })
        const extra = await afterwards(page, wanted.snapshot ?? false)
        const title = extra?.title ?? (await page.title({ deadlineMs: extrasMs }).catch(() => ''))
        return { url: page.url, title, ...(status !== undefined && { status }), ...(extra && { snapshot: extra }) }
      }),
  })
}

/** The snapshot that was asked for along with an act; nothing when the page does not give one in time. */
export async function afterwards(page: DriverPage, isWanted: boolean): Promise<Snapshot | undefined> {
  if (!isWanted) return undefined
  return page.snapshot({ deadlineMs: extrasMs, charsMax: snapshotCharsMax }).catch(() => undefined)
}
