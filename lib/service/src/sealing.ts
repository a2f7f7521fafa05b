import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16

/** Hides texts that a copy of the store must not show. */
export interface Sealer {
  /** The text sealed for one place: it opens under the same `place` only, so sealed texts cannot be swapped. */
  seal(place: string, text: string): string
  /** The text again; throws when it was sealed under another pepper, for another purpose or place, or was changed. */
  unseal(place: string, sealed: string): string
}

/**
 * AES-256-GCM under a key made from the pepper by HKDF (RFC 5869). `purpose` parts the keys of different uses. A sealed
 * text is base64 of nonce (12 bytes), tag (16 bytes), ciphertext.
 */
export function sealer(pepper: string, purpose: string): Sealer {
  const secret = Buffer.from(hkdfSync('sha256', pepper, '', purpose, 32))
  return {
    seal(place, text) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(place))
      const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64')
    },
    unseal(place, sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(place))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}
