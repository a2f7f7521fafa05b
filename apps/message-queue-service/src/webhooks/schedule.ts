/** The pauses before the second, third … attempt, in milliseconds: what Svix made the custom of the trade. */
export const defaultRetryMs = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000]

/** How much later than the schedule says an attempt may come, as a part of the pause. */
const jitter = 0.2
/** The longest a Retry-After is believed. */
const retryAfterMsMax = 86_400_000
/** How long an endpoint that says "too much" without saying for how long is left alone. */
const throttleMs = 5_000

/** What came of sending one message once. */
export type Outcome =
  /** `retryAfter`: the header's value. */
  { status: number; retryAfter?: string | undefined } | { failure: string }

/** What follows from it for the message. */
export type Fate =
  | { fate: 'delivered' }
  /** Try again after `delayMs`. `holdMs`: the endpoint asked to be left alone by every message for that long. */
  | { fate: 'again'; delayMs: number; holdMs: number }
  /** That was the last attempt. */
  | { fate: 'dead'; holdMs: number }
  /** The endpoint says that it is gone for good (410); the message stays undelivered, not dead. */
  | { fate: 'gone' }

/**
 * The fate of a message after its attempt number `attempt` (1 = the first). 2xx delivers, 410 ends the subscription,
 * 429, 502, 503 and 504 hold the endpoint, anything else is tried again after `retryMs[attempt - 1]` with up to 20 %
 * jitter, later when Retry-After says so, until the schedule is used up.
 * Source: Standard Webhooks 1.0.0, "Delivery success and failure".
 */
export function fateOf(
  outcome: Outcome,
  {
    attempt,
    retryMs,
    nowMs,
    random = Math.random,
  }: { attempt: number; retryMs: readonly number[]; nowMs: number; random?: () => number },
): Fate {
  const status = 'status' in outcome ? outcome.status : 0
  if (status >= 200 && status < 300) return { fate: 'delivered' }
  if (status === 410) return { fate: 'gone' }
  const asked = 'status' in outcome ? retryAfterMs(outcome.retryAfter, nowMs) : undefined
  const holdMs = [429, 502, 503, 504].includes(status) ? (asked ?? (status === 429 ? throttleMs : 0)) : 0
  const pauseMs = retryMs[attempt - 1]
  if (pauseMs === undefined) return { fate: 'dead', holdMs }
  return { fate: 'again', delayMs: Math.max(Math.round(pauseMs * (1 + jitter * random())), asked ?? 0), holdMs }
}

/** The wait a Retry-After header asks for, at most a day; nothing when it asks for none. Source: RFC 9110 §10.2.3. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : httpDate.test(text) ? Date.parse(text) - nowMs : Number.NaN
  return ms > 0 ? Math.min(ms, retryAfterMsMax) : undefined
}

const httpDate = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
