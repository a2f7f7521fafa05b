import { hexRandom } from '@santaclaude/kit/ids'

/**
 * W3C Trace Context: continue a caller's trace or start one.
 * Source: https://www.w3.org/TR/trace-context/ §3.2 (traceparent, version 00).
 */
const form = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

export interface Trace {
  /** 32 hex digits, the same for everything one outside request causes. */
  traceId: string
  /** 16 hex digits: this service's own part. */
  spanId: string
  /** The caller's span, when it sent one. */
  parentId?: string
  /** Trace flags as two hex digits; 01 = sampled. */
  flags: string
}

/** The trace this request belongs to. A malformed header starts a new one, as the standard asks. */
export function traceOf(traceparent: string | null | undefined): Trace {
  // The fixed first digit keeps an id from ever being all zeros, which the standard calls invalid.
  const spanId = `1${hexRandom(15)}`
  const match = traceparent ? form.exec(traceparent) : null
  if (match && !traceparent?.startsWith('ff') && match[1] !== noTrace && match[2] !== noSpan)
    return { traceId: match[1] as string, parentId: match[2] as string, flags: match[3] as string, spanId }
  const traceId = `1${hexRandom(31)}`
  return { traceId, spanId, flags: '01' }
}

/** The header to hand to whatever this request causes. */
export const traceparentOf = ({ traceId, spanId, flags }: Trace) => `00-${traceId}-${spanId}-${flags}`
