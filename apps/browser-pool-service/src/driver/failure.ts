import { DeadlineError, within } from '@santaclaude/kit/deadline'
import { DriverError } from './port.ts'

/**
 * What a Playwright error means, in our closed list. Playwright tells its reasons only in the text of its messages; the
 * words looked for here are pinned by the conformance suite on a real browser. The text itself stays private, as the
 * cause: it holds page content.
 */
export function driverError(error: unknown, what: string): DriverError {
  if (error instanceof DriverError) return error
  if (error instanceof DeadlineError) return new DriverError('timeout', `${what} did not finish in time`, error)
  const text = error instanceof Error ? error.message : String(error)
  const [failure, detail] = reason(text, what)
  return new DriverError(failure, detail, error)
}

/** The work's result or a DriverError, never later than the deadline. */
export async function bounded<T>(deadlineMs: number, what: string, work: Promise<T>): Promise<T> {
  try {
    return await within(deadlineMs, what, work)
  } catch (error) {
    throw driverError(error, what)
  }
}

function reason(text: string, what: string): [DriverError['failure'], string] {
  if (/Target crashed|Page crashed/i.test(text)) return ['crashed', 'the page crashed']
  if (/has been closed|Target closed|browser.*disconnected|frame was detached/i.test(text))
    return ['gone', 'the page or its browser was closed']
  const network = /net::ERR_([A-Z0-9_]+)/.exec(text)?.[1]
  if (network) return ['unreachable', `the address could not be loaded: ${network}`]
  if (/is interrupted by another navigation/.test(text))
    return ['unreachable', 'the navigation was replaced by another one of the page itself']
  if (/strict mode violation/.test(text))
    return ['many_elements', 'more than one element fits; use a ref from a snapshot or a narrower target']
  if (/Unexpected token|is not a valid selector|Unknown engine|while parsing|Invalid selector/i.test(text))
    return ['bad_target', 'the selector cannot be parsed']
  if (/Unknown key/.test(text)) return ['bad_target', 'there is no such key; use names such as Enter, Tab or Control+A']
  if (/Element is not an <(input|select)>|not an? <|Cannot type text into|Input of type|Malformed value/i.test(text))
    return ['bad_target', 'the element does not take this action']
  const unready = notReady(text)
  if (unready) return ['not_ready', unready]
  if (/Timeout \d+ms exceeded/.test(text)) return ['timeout', `${what} did not finish in time`]
  return ['timeout', `${what} could not be done`]
}

function notReady(text: string): string | undefined {
  if (/intercepts pointer events/.test(text)) return 'another element covers it; close what lies over it first'
  if (/did not find some options/.test(text)) return 'it has no such option'
  if (/option being selected is not enabled/.test(text)) return 'this option is disabled'
  if (/element is not (enabled|editable)/.test(text)) return 'it is disabled or read-only'
  if (/element is not visible/i.test(text)) return 'it is not visible'
  if (/outside of the viewport/i.test(text)) return 'it cannot be scrolled into view'
  if (/element is not stable/.test(text)) return 'it keeps moving'
  if (/element is inert/.test(text)) return 'it is inert, for example behind an open dialog'
  return undefined
}
