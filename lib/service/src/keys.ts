import { createHash, timingSafeEqual } from 'node:crypto'
import { base62Random } from '@santaclaude/kit/ids'

/** Everything a key may be allowed. `internal` lets one of our own services act for another tenant. */
export const scopes = [
  'ai:invoke',
  'ai:admin',
  'browser:use',
  'browser:admin',
  'events:publish',
  'events:consume',
  'events:admin',
  'audit:write',
  'audit:read',
  'audit:admin',
  'projects:use',
  'keys:admin',
  'internal',
] as const
export type Scope = (typeof scopes)[number]

/** What a key's owner may use up; absent means no limit of its own. */
export interface KeyLimits {
  requestsPerMinute?: number
}

/** One accepted secret of a key. A rotated key has two until the overlap ends. */
export interface KeySecret {
  /** Hex SHA-256 of pepper and secret, see {@link hashSecret}. */
  hash: string
  /** Unix milliseconds from which this secret is refused. */
  expiresAtMs?: number
}

/** An API key as it is kept: everything but the secret. */
export interface StoredKey {
  /** 12 base62 characters. */
  id: string
  tenant: string
  name: string
  scopes: Scope[]
  limits: KeyLimits
  secrets: KeySecret[]
  createdAtMs: number
  expiresAtMs?: number
  revokedAtMs?: number
}

/** Where keys are kept. Each adapter passes `keys-conformance.ts`; all reject with the Fault `store_unavailable`. */
export interface Keys {
  /** The key with this id, whatever its state. */
  find(id: string): Promise<StoredKey | undefined>
  /** Writes a key, new or changed, and keeps it listed under its tenant. */
  put(key: StoredKey): Promise<void>
  /**
   * Writes `after` if what is kept is still exactly `before`; false = somebody was faster, read again. Without this a
   * rotation that races a revocation would bring the key back to life.
   */
  replace(before: StoredKey, after: StoredKey): Promise<boolean>
  /** A tenant's keys, newest first, at most 1000. */
  list(tenant: string): Promise<StoredKey[]>
}

/** Who a verified key speaks for. `tenant` is the one this request acts in. */
export interface Caller {
  keyId: string
  tenant: string
  name: string
  scopes: ReadonlySet<Scope>
  limits: KeyLimits
}

const form = /^sc_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})$/

/** The two parts of a key text, or nothing when it has not our form. */
export function parseKey(text: string): { id: string; secret: string } | undefined {
  const match = form.exec(text)
  return match ? { id: match[1] as string, secret: match[2] as string } : undefined
}

/** A new key text: `sc_<id>_<secret>`, 190 bits of secret. */
export function makeKey(): { id: string; secret: string; text: string } {
  const id = base62Random(12)
  const secret = base62Random(32)
  return { id, secret, text: `sc_${id}_${secret}` }
}

/**
 * What is kept of a secret. One SHA-256 is enough, as the secret is random and long; the pepper makes a stolen copy of
 * Redis useless for guessing at weaker secrets later.
 */
export const hashSecret = (pepper: string, secret: string): string =>
  createHash('sha256').update(pepper).update('\0').update(secret).digest('hex')

/** Whether the secret is one the key accepts now. Takes the same time for every wrong secret. */
export function secretFits(key: StoredKey, hash: string, nowMs: number): boolean {
  let fits = false
  for (const secret of key.secrets) {
    const same = timingSafeEqual(Buffer.from(secret.hash, 'hex'), Buffer.from(hash, 'hex'))
    if (same && (secret.expiresAtMs === undefined || secret.expiresAtMs > nowMs)) fits = true
  }
  return fits
}

/** Whether the key as a whole is still in force. */
export const isLive = (key: StoredKey, nowMs: number) =>
  (key.revokedAtMs === undefined || key.revokedAtMs > nowMs) &&
  (key.expiresAtMs === undefined || key.expiresAtMs > nowMs)
