import { Fault, type FaultCode } from '@santaclaude/service/faults'
import type { DriverError, DriverFailure } from '../driver/port.ts'
import type { EndReason, Session } from './session.ts'

const codes: Record<DriverFailure, FaultCode> = {
  launch: 'browser_unavailable',
  timeout: 'deadline_exceeded',
  gone: 'page_not_found',
  crashed: 'page_crashed',
  stale_ref: 'stale_ref',
  no_element: 'element_not_found',
  many_elements: 'element_ambiguous',
  not_ready: 'element_not_ready',
  bad_target: 'validation_failed',
  unreachable: 'page_unreachable',
  script: 'script_failed',
  too_large: 'result_too_large',
}

/** What a driver's failure in a session means to its caller. A silence or a loss is first checked against the browser's life. */
export async function faultOf(error: DriverError, session: Session): Promise<Fault> {
  const { slot } = session.place
  // Nobody waits for this answer: a frozen browser is killed when it comes, and the session's end says why.
  if (error.failure === 'timeout') void slot.isAlive()
  if (error.failure === 'gone') await slot.isAlive()
  if (session.endReason !== undefined) return ended(session.endReason)
  return new Fault(codes[error.failure], { detail: sentence(error.detail), cause: error })
}

const endings: Record<EndReason, string> = {
  closed: 'The session was closed.',
  idle: 'The session was not used for its idle time and ended.',
  expired: 'The session reached its longest life and ended.',
  browser_crashed: 'browser_crashed: the browser of this session died or stopped answering and was replaced.',
  shutdown: 'The replica that held the session stopped.',
}

/** What is said about a session that is over. */
export const ended = (reason: EndReason): Fault =>
  new Fault(reason === 'browser_crashed' ? 'browser_crashed' : 'session_ended', { detail: endings[reason] })

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
