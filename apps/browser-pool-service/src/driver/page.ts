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
  /** The whole document, up to 16384 pixels of height and 40 million in all, instead of the visible part. */
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

/** A ref as snapshots print it: the number of the document it was seen in, then the element's name in it. */
export const refForm = /^d(\d+)((?:f\d+)?e\d+)$/
