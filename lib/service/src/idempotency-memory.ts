import type { Idempotency, KeptAnswer } from './idempotency.ts'

/** Kept answers in a map; for tests. */
export function idempotencyInMemory(): Idempotency {
  const kept = new Map<string, { fingerprint: string; answer?: KeptAnswer }>()
  return {
    async claim(key, fingerprint) {
      const found = kept.get(key)
      if (!found) {
        kept.set(key, { fingerprint })
        return { state: 'new' }
      }
      if (found.fingerprint !== fingerprint) return { state: 'conflict' }
      return found.answer ? { state: 'done', answer: found.answer } : { state: 'running' }
    },
    async keep(key, fingerprint, answer) {
      kept.set(key, { fingerprint, answer })
    },
    async release(key) {
      kept.delete(key)
    },
  }
}
