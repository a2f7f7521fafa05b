import { createHash } from 'node:crypto'
import { Fault } from '@santaclaude/service/faults'
import { act, note } from '../journal.ts'
import type { Ports } from '../ports.ts'
import { type PagePlace, placeOf } from './place.ts'

const defaultDeadlineMs = 10_000
const resultBytesMax = 1_000_000

/**
 * Runs a script in a page, with the page's own rights and no more. Needs browser:admin, or a session opened with
 * `allowEvaluate`. Faults: forbidden (recorded as denied), script_failed, result_too_large, deadline_exceeded.
 */
export async function evaluate(
  ports: Ports,
  place: PagePlace,
  { script, deadlineMs = defaultDeadlineMs, isAdmin }: { script: string; deadlineMs?: number; isAdmin: boolean },
): Promise<{ value: unknown }> {
  const { session, subject } = await placeOf(ports, place)
  // The script may hold what a person typed elsewhere; its digest is enough to prove which one it was.
  const facts = { scriptSha256: createHash('sha256').update(script).digest('hex'), scriptChars: script.length }
  if (!isAdmin && !session.options.allowEvaluate) {
    await note(ports.journal, subject, { type: 'browser.page.evaluated', outcome: 'denied', facts })
    throw new Fault('forbidden', {
      detail: 'Scripts need a key with the scope browser:admin, or a session opened with allowEvaluate.',
    })
  }
  return act(ports.journal, subject, {
    type: 'browser.page.evaluated',
    facts,
    done: ({ value }) => ({ resultBytes: Buffer.byteLength(JSON.stringify(value) ?? '') }),
    work: () =>
      session.run(place.pageId, deadlineMs, async (page, leftMs) => ({
        value: await page.evaluate(script, { deadlineMs: leftMs, bytesMax: resultBytesMax }),
      })),
  })
}
