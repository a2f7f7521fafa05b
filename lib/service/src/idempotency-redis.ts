import type { Redis } from 'ioredis'
import { type Claim, claimMs, type Idempotency, type KeptAnswer, keptMs } from './idempotency.ts'

const keyOf = (key: string) => `sc:idem:${key}`

/** Kept answers in Redis: `sc:idem:<key>` is JSON `{ fingerprint, answer? }` with a time to live. */
export function idempotencyInRedis(redis: Redis): Idempotency {
  return {
    async claim(key, fingerprint): Promise<Claim> {
      const before = await redis.set(keyOf(key), JSON.stringify({ fingerprint }), 'PX', claimMs, 'NX', 'GET')
      if (before === null) return { state: 'new' }
      const found = JSON.parse(before) as { fingerprint: string; answer?: KeptAnswer }
      if (found.fingerprint !== fingerprint) return { state: 'conflict' }
      return found.answer ? { state: 'done', answer: found.answer } : { state: 'running' }
    },
    async keep(key, fingerprint, answer) {
      await redis.set(keyOf(key), JSON.stringify({ fingerprint, answer }), 'PX', keptMs)
    },
    async release(key) {
      await redis.del(keyOf(key))
    },
  }
}
