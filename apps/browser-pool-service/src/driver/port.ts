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

/** An element: by the ref a snapshot gave it, by its role and accessible name, or by a CSS selector. */
export type Target = { ref: string } | { role: string; name?: string } | { selector: string }

export type Action =
  | { action: 'click'; target: Target; clicks: number }
  | { action: 'type'; target: Target; text: string; append: boolean; submit: boolean }
  | { action: 'select'; target: Target; values: string[] }
  | { action: 'press'; target?: Target; key: string }

export type Wait =
  | { for: 'load' | 'domcontentloaded' | 'networkidle' }
  | { for: 'text'; text: string; isGone: boolean }
  | { for: 'element'; target: Target; state: 'visible' | 'hidden' }
  | { for: 'url'; contains: string }

export interface Snapshot {
  url: string
  title: string
  /** The accessibility tree, one element a line, each actionable one with `[ref=…]`. */
  text: string
  /** Whether `text` was cut, at a line's end. */
  isTruncated: boolean
}

export interface ScreenshotOptions {
  type: 'png' | 'jpeg'
  /** 1-100, for jpeg. */
  quality?: number
  /** The whole document, up to 16384 pixels of height, instead of the visible part. */
  fullPage: boolean
  target?: Target
}

export interface PdfOptions {
  format: 'A4' | 'Letter'
  landscape: boolean
}

export interface DriverPage {
  /** The address in the bar, without waiting for the page. */
  readonly url: string
  readonly isCrashed: boolean
  /** `status` is absent when the answer came from no HTTP response (a page within the page, about:blank). */
  navigate(
    url: string,
    options: { until: 'commit' | 'domcontentloaded' | 'load'; deadlineMs: number },
  ): Promise<{ status?: number }>
  /** `isSettled` is false when the act was done but the page it led to was not there by the deadline. */
  act(action: Action, options: { deadlineMs: number }): Promise<{ isSettled: boolean }>
  wait(wait: Wait, options: { deadlineMs: number }): Promise<void>
  /** The value of an expression, or of the function it is, awaited. Must be JSON of at most `bytesMax`. */
  evaluate(expression: string, options: { deadlineMs: number; bytesMax: number }): Promise<unknown>
  title(options: { deadlineMs: number }): Promise<string>
  /** Refs of earlier snapshots stay good for elements that are still there; a new document makes them all stale. */
  snapshot(options: { deadlineMs: number; charsMax: number }): Promise<Snapshot>
  screenshot(options: ScreenshotOptions & { deadlineMs: number }): Promise<Uint8Array>
  pdf(options: PdfOptions & { deadlineMs: number }): Promise<Uint8Array>
  onClosed(listener: () => void): void
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

/** A ref as snapshots print it: the number of the document it was seen in, then the element's name in it. */
export const refForm = /^d(\d+)((?:f\d+)?e\d+)$/
