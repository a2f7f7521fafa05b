import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Fault } from './faults.ts'
import type { Idempotency } from './idempotency.ts'

const nonceBytes = 12
const tagBytes = 16

/**
 * Keeps answers encrypted (AES-256-GCM under a key made from the pepper by HKDF, RFC 5869): an answer may hold what is
 * shown only once, such as a new key's secret, and a copy of the store must not show it again. An answer is bound to
 * its Idempotency-Key, so kept answers cannot be swapped. Faults: store_unavailable.
 */
export function sealed(store: Idempotency, pepper: string): Idempotency {
  const secret = Buffer.from(hkdfSync('sha256', pepper, '', 'santaclaude kept answers', 32))

  const seal = (key: string, text: string): string => {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(key))
    const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64')
  }
  const unseal = (key: string, text: string): string => {
    const bytes = Buffer.from(text, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes))
      .setAAD(Buffer.from(key))
      .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
  }

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
