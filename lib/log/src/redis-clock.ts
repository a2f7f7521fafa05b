import type { Redis } from 'ioredis'

/** How long one look at Redis's clock serves, in milliseconds. */
const FRESH_MS = 5_000

/** Redis's time without asking each time. It runs on this process's monotonic clock, so a step of the wall clock here changes nothing. */
class RedisClock {
  private offsetMs = 0
  private seenAtMs = Number.NEGATIVE_INFINITY

  constructor(private readonly redis: Redis) {}

  async now(): Promise<number> {
    const beforeMs = performance.now()
    if (beforeMs - this.seenAtMs > FRESH_MS) {
      const [seconds, micros] = await this.redis.time()
      this.seenAtMs = performance.now()
      this.offsetMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (beforeMs + this.seenAtMs) / 2
    }
    return performance.now() + this.offsetMs
  }
}

const clocks = new WeakMap<Redis, RedisClock>()

/** The clock of the Redis behind a connection; one look serves everybody who shares the connection. */
export function clockOf(redis: Redis): RedisClock {
  const known = clocks.get(redis) ?? new RedisClock(redis)
  clocks.set(redis, known)
  return known
}
