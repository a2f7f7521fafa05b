import { type Clock, systemClock } from '@santaclaude/kit/clock'
import { Fault } from './faults.ts'
import type { Caller } from './keys.ts'

/** How many keys with a limit are remembered; the one that came first is forgotten for the next. */
const keysMax = 10_000

/** What is left of a limit after a request, as the `RateLimit-*` headers tell it. */
export interface RateLeft {
  limit: number
  remaining: number
  /** Whole seconds until everything is there again. */
  resetSeconds: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/**
 * Holds keys to their `requestsPerMinute`: a token bucket per key, in this process only, so with N replicas a key can
 * reach N times its limit. A key that was quiet for a minute may send a minute's worth at once.
 */
export class KeyRates {
  private readonly buckets = new Map<string, Bucket>()

  constructor(private readonly clock: Clock = systemClock) {}

  /** Counts one request of the key. Undefined = it has no limit; Fault `rate_limited` when it is used up. */
  spend({ keyId, limits: { requestsPerMinute: limit } }: Pick<Caller, 'keyId' | 'limits'>): RateLeft | undefined {
    if (limit === undefined) return undefined
    const bucket = this.filled(keyId, limit)
    const msPerToken = 60_000 / limit
    if (bucket.tokens < 1) {
      const left = { limit, remaining: 0, resetSeconds: Math.ceil(((limit - bucket.tokens) * msPerToken) / 1000) }
      throw new Fault('rate_limited', {
        detail: `This key may send ${limit} requests a minute.`,
        retryAfterMs: (1 - bucket.tokens) * msPerToken,
        headers: rateHeaders(left),
      })
    }
    bucket.tokens--
    return {
      limit,
      remaining: Math.floor(bucket.tokens),
      resetSeconds: Math.ceil(((limit - bucket.tokens) * msPerToken) / 1000),
    }
  }

  private filled(keyId: string, limit: number): Bucket {
    const nowMs = this.clock.now()
    const known = this.buckets.get(keyId)
    if (!known) {
      const oldest = this.buckets.size >= keysMax ? this.buckets.keys().next().value : undefined
      if (oldest !== undefined) this.buckets.delete(oldest)
      const bucket = { tokens: limit, atMs: nowMs }
      this.buckets.set(keyId, bucket)
      return bucket
    }
    // A clock that was set back gives nothing and takes nothing.
    const passedMs = Math.max(0, nowMs - known.atMs)
    known.tokens = Math.min(limit, known.tokens + (passedMs * limit) / 60_000)
    known.atMs = nowMs
    return known
  }
}

/** Source: draft-ietf-httpapi-ratelimit-headers-06 §5, the form that clients understand today. */
export const rateHeaders = ({ limit, remaining, resetSeconds }: RateLeft): Record<string, string> => ({
  'ratelimit-limit': String(limit),
  'ratelimit-remaining': String(remaining),
  'ratelimit-reset': String(resetSeconds),
})
