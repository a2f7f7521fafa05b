import { Fault } from '@santaclaude/service/faults'
import type { PdfOptions, ScreenshotOptions } from '../driver/page.ts'
import { recordedAddress } from '../egress/address.ts'
import { note, type Subject } from '../journal.ts'
import type { Ports } from '../ports.ts'
import type { SnapshotView } from '../schemas.ts'
import { snapshotCharsMax } from './navigate.ts'
import { type PagePlace, placeOf } from './place.ts'

const defaultDeadlineMs = 15_000
const bytesMax = 32 * 1024 * 1024

/** The page as text with refs. Faults: deadline_exceeded, page_crashed, page_busy. */
export async function snapshot(
  ports: Ports,
  place: PagePlace,
  { maxChars = snapshotCharsMax, deadlineMs = defaultDeadlineMs }: { maxChars?: number; deadlineMs?: number },
): Promise<SnapshotView> {
  const { session, subject } = await placeOf(ports, place)
  const taken = await session.run(place.pageId, deadlineMs, (page, leftMs) =>
    page.snapshot({ charsMax: maxChars, deadlineMs: leftMs }),
  )
  await captured(ports, subject, { kind: 'snapshot', url: taken.url, bytes: Buffer.byteLength(taken.text) })
  return taken
}

/** The page as an image. Faults: stale_ref, element_not_found, result_too_large, deadline_exceeded, page_crashed. */
export async function screenshot(
  ports: Ports,
  place: PagePlace,
  { deadlineMs = defaultDeadlineMs, ...options }: ScreenshotOptions & { deadlineMs?: number },
): Promise<Uint8Array> {
  const { session, subject } = await placeOf(ports, place)
  const [bytes, url] = await session.run(place.pageId, deadlineMs, async (page, leftMs) => [
    await page.screenshot({ ...options, deadlineMs: leftMs }),
    page.url,
  ])
  await captured(ports, subject, { kind: 'screenshot', url, bytes: bytes.length })
  return bytes
}

/** The page as a PDF. Faults: result_too_large, deadline_exceeded, page_crashed. */
export async function pdf(
  ports: Ports,
  place: PagePlace,
  { deadlineMs = defaultDeadlineMs, ...options }: PdfOptions & { deadlineMs?: number },
): Promise<Uint8Array> {
  const { session, subject } = await placeOf(ports, place)
  const [bytes, url] = await session.run(place.pageId, deadlineMs, async (page, leftMs) => [
    await page.pdf({ ...options, deadlineMs: leftMs }),
    page.url,
  ])
  await captured(ports, subject, { kind: 'pdf', url, bytes: bytes.length })
  return bytes
}

/** What was seen is on record before it is handed out. */
async function captured(
  { journal }: Ports,
  subject: Subject,
  { kind, url, bytes }: { kind: 'snapshot' | 'screenshot' | 'pdf'; url: string; bytes: number },
): Promise<void> {
  if (bytes > bytesMax)
    throw new Fault('result_too_large', { detail: `The ${kind} has ${bytes} bytes, more than ${bytesMax}.` })
  await note(journal, subject, { type: 'browser.page.captured', facts: { kind, url: recordedAddress(url), bytes } })
}
