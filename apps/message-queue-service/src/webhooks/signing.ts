import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto'

/**
 * What an endpoint's requests are signed with. Texts as Standard Webhooks writes them: `whsec_` + base64 of 32 random
 * bytes, and `whsk_` + base64 of an ed25519 seed followed by its public key.
 */
export interface SigningKeys {
  whsec: string
  whsk: string
}

/** One message to sign. `body` is signed byte for byte. */
export interface Signable {
  id: string
  timestampSeconds: number
  body: Uint8Array
}

/** The value of `webhook-signature` for a message. */
export type Signer = (message: Signable) => string

export function makeSigningKeys(): SigningKeys {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const pair = Buffer.concat([Buffer.from(d ?? '', 'base64url'), Buffer.from(x ?? '', 'base64url')])
  return { whsec: `whsec_${randomBytes(32).toString('base64')}`, whsk: `whsk_${pair.toString('base64')}` }
}

/** The public half, which verifies `v1a` signatures: `whpk_` + base64 of 32 bytes. */
export const publicKeyOf = ({ whsk }: SigningKeys) => `whpk_${bytesOf(whsk).subarray(32).toString('base64')}`

/** A public key as `node:crypto` takes it. */
export const readPublicKey = (whpk: string) =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytesOf(whpk).toString('base64url') }, format: 'jwk' })

/**
 * Signs with every key, the newest first, each by HMAC-SHA256 (`v1`) and by ed25519 (`v1a`), so a receiver may verify
 * with whichever it has, and with the old secret or the new one while they overlap.
 * Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
 */
export function signerOf(keys: readonly SigningKeys[]): Signer {
  const ready = keys.map(({ whsec, whsk }) => ({ secret: bytesOf(whsec), privateKey: readPrivateKey(whsk) }))
  return ({ id, timestampSeconds, body }) => {
    const content = Buffer.concat([Buffer.from(`${id}.${timestampSeconds}.`), body])
    return [
      ...ready.map(({ secret }) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`),
      ...ready.map(({ privateKey }) => `v1a,${sign(null, content, privateKey).toString('base64')}`),
    ].join(' ')
  }
}

/**
 * The id under which one event goes to one subscription, the same at every attempt. Digested, since an event's own id
 * is its publisher's to choose: it may hold what a header or the signed content must not (a full stop, say), and is
 * unique only together with the source.
 */
export function webhookId(subscription: string, { source, id }: { source: string; id: string }): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([subscription, source, id]))
    .digest('base64url')
  return `msg_${digest.slice(0, 27)}`
}

const bytesOf = (text: string) => Buffer.from(text.slice(text.indexOf('_') + 1), 'base64')

function readPrivateKey(whsk: string) {
  const pair = bytesOf(whsk)
  const d = pair.subarray(0, 32).toString('base64url')
  const x = pair.subarray(32).toString('base64url')
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
}
