import { Fault } from './faults.ts'
import type { Idempotency } from './idempotency.ts'
import { sealer } from './sealing.ts'

/**
 * Keeps answers sealed: an answer may hold what is shown only once, such as a new key's secret, and a copy of the store
 * must not show it again. An answer is bound to its Idempotency-Key. Faults: store_unavailable.
 */
export function sealed(store: Idempotency, pepper: string): Idempotency {
  const { seal, unseal } = sealer(pepper, 'santaclaude kept answers')
  return {
    async claim(key, fingerprint) {
      const claim = await stored(store.claim(key, fingerprint))
      if (claim.state !== 'done') return claim
      try {
        return { state: 'done', answer: { ...claim.answer, body: unseal(key, claim.answer.body) } }
      } catch {
        // Sealed under another pepper: what was answered is not known any more, so it must not be done again either.
        return { state: 'conflict' }
      }
    },
    keep: (key, fingerprint, answer) =>
      stored(store.keep(key, fingerprint, { ...answer, body: seal(key, answer.body) })),
    release: (key) => stored(store.release(key)),
  }
}

const stored = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause) => {
    throw new Fault('store_unavailable', { cause })
  })
