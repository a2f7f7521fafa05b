import type { DriverPage } from './page.ts'

/**
 * A browser as the pool sees it. `playwright.ts` drives a real Chromium, `memory.ts` serves tests of the pool; both pass
 * `conformance.ts`. No method may take longer than its deadline, whatever the page or the browser does: a page that
 * loops and a process that is frozen both end in `DriverError('timeout')`.
 */
export interface Driver {
  /** Starts one browser process. Rejects with `launch` when it does not come up in time. */
  launch(options: { deadlineMs: number }): Promise<DriverBrowser>
}

export interface DriverBrowser {
  /** For example `156.0.8078.79`. */
  readonly version: string
  /** Leader of the process group; absent when the browser does not run on this machine. */
  readonly pid: number | undefined
  /** Resolves when the browser process itself answers. */
  ping(options: { deadlineMs: number }): Promise<void>
  /** A context shares no cookie, storage or cache with any other. */
  newContext(options: ContextOptions & { deadlineMs: number }): Promise<DriverContext>
  /** Called once, when the process is gone for whatever reason, `kill` and `close` included. */
  onGone(listener: () => void): void
  /** Ends the whole process group at once, frozen or not. */
  kill(): void
  /** Asks the browser to end, and kills what is left at the deadline. Never rejects. */
  close(options: { deadlineMs: number }): Promise<void>
}

export interface ContextOptions {
  viewport?: { width: number; height: number }
  /** BCP 47, for example `de-DE`. */
  locale?: string
  /** IANA name, for example `Europe/Berlin`. */
  timezone?: string
  userAgent?: string
}

export interface DriverContext {
  newPage(options: { deadlineMs: number }): Promise<DriverPage>
  /** Called for each page that a page opens by itself (a link with a target, `window.open`). */
  onPopup(listener: (page: DriverPage) => void): void
  /** Never rejects. */
  close(options: { deadlineMs: number }): Promise<void>
}

/** Why a command did not do what it should. The closed list; `detail` is public words without page secrets. */
export type DriverFailure =
  | 'launch' // the browser did not come up
  | 'timeout' // nothing wrong was seen, but the deadline passed
  | 'gone' // the browser, the context or the page was closed
  | 'crashed' // the page's process died
  | 'stale_ref' // the element of this ref is no longer in the page
  | 'no_element' // no element fits
  | 'many_elements' // more than one element fits
  | 'not_ready' // the element is there but cannot be acted on
  | 'bad_target' // selector, role, key or value does not make sense
  | 'unreachable' // the address could not be loaded
  | 'script' // the expression threw
  | 'too_large' // the result is over its limit

export class DriverError extends Error {
  constructor(
    readonly failure: DriverFailure,
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`${failure}: ${detail}`, { cause })
    this.name = 'DriverError'
  }
}
