import type { Action, Target } from '../driver/page.ts'
import { recordedAddress } from '../egress/address.ts'
import { act, note } from '../journal.ts'
import type { Ports } from '../ports.ts'
import type { Acted, ActWanted, WaitWanted } from '../schemas.ts'
import { afterwards } from './navigate.ts'
import { type PagePlace, placeOf } from './place.ts'
import { actionOf, waitOf } from './target.ts'

const defaultDeadlineMs = 10_000

/**
 * Does one thing in a page as a person would. Faults: validation_failed, stale_ref, element_not_found,
 * element_ambiguous, element_not_ready, deadline_exceeded, page_crashed, page_busy.
 */
export async function perform(ports: Ports, place: PagePlace, wanted: ActWanted): Promise<Acted> {
  const action = actionOf(wanted)
  const { deadlineMs = defaultDeadlineMs, snapshot = false } = wanted
  const { session, subject } = await placeOf(ports, place)
  const before = session.page(place.pageId).driver.url
  return act(ports.journal, subject, {
    type: 'browser.page.acted',
    facts: { ...recordedAction(action), url: recordedAddress(before) },
    done: ({ url }) => ({ url: recordedAddress(url) }),
    work: () =>
      session.run(place.pageId, deadlineMs, async (page, leftMs) => {
        const { isSettled } = await page.act(action, { deadlineMs: leftMs })
        const extra = await afterwards(page, snapshot)
        return { url: page.url, isSettled, ...(extra && { snapshot: extra }) }
      }),
  })
}

/** Waits for something in a page. Faults: validation_failed, stale_ref, deadline_exceeded, page_crashed, page_busy. */
export async function wait(ports: Ports, place: PagePlace, wanted: WaitWanted): Promise<{ url: string }> {
  const condition = waitOf(wanted)
  const { deadlineMs = defaultDeadlineMs } = wanted
  const { session, subject } = await placeOf(ports, place)
  const url = await session.run(place.pageId, deadlineMs, async (page, leftMs) => {
    await page.wait(condition, { deadlineMs: leftMs })
    return page.url
  })
  await note(ports.journal, subject, { type: 'browser.page.waited', facts: { for: wanted.for } })
  return { url }
}

/** An action without anything that was typed: of a text its length, of a key only the named ones, of options their number. */
export function recordedAction(action: Action): Record<string, unknown> {
  const target = action.target && recordedTarget(action.target)
  const about = { action: action.action, ...(target && { target }) }
  if (action.action === 'click') return { ...about, clicks: action.clicks }
  if (action.action === 'type') return { ...about, textLength: action.text.length, submit: action.submit }
  if (action.action === 'select') return { ...about, values: action.values.length }
  // Pressing one character is typing it, with or without Shift.
  const isNamed = /^(?:(?:Control|Alt|Meta|Shift|ControlOrMeta)\+)*[A-Z][A-Za-z0-9]+$/.test(action.key)
  return { ...about, key: isNamed ? action.key : 'a character' }
}

const recordedTarget = (target: Target): Record<string, string> =>
  'ref' in target
    ? { ref: target.ref }
    : 'selector' in target
      ? { selector: target.selector.slice(0, 200) }
      : { role: target.role, ...(target.name !== undefined && { name: target.name.slice(0, 200) }) }
