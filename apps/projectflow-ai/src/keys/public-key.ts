import { isLive, type KeyLimits, type Scope, type StoredKey } from '@santaclaude/service/keys'

/** A key as anyone but its owner may see it: never a secret, never a hash. */
export interface PublicKey {
  id: string
  tenant: string
  name: string
  scopes: Scope[]
  limits: KeyLimits
  state: KeyState
  createdAt: string
  expiresAt?: string
  revokedAt?: string
  /** Until when the secret before the last rotation is accepted besides the new one. */
  overlapEndsAt?: string
}

export const keyStates = ['active', 'expired', 'revoked'] as const
export type KeyState = (typeof keyStates)[number]

/** A key together with its only showing of the secret. */
export interface ShownKey {
  key: PublicKey
  /** The whole text to send: `sc_<id>_<secret>`. It cannot be had again. */
  secret: string
}

const iso = (ms: number) => new Date(ms).toISOString()

export function publicKey(key: StoredKey, nowMs: number): PublicKey {
  const { id, tenant, name, scopes, limits, createdAtMs, expiresAtMs, revokedAtMs } = key
  const overlapMs = Math.max(...key.secrets.map((secret) => secret.expiresAtMs ?? 0))
  return {
    id,
    tenant,
    name,
    scopes,
    limits,
    state: revokedAtMs !== undefined ? 'revoked' : isLive(key, nowMs) ? 'active' : 'expired',
    createdAt: iso(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: iso(expiresAtMs) }),
    ...(revokedAtMs === undefined ? {} : { revokedAt: iso(revokedAtMs) }),
    ...(overlapMs > nowMs && revokedAtMs === undefined ? { overlapEndsAt: iso(overlapMs) } : {}),
  }
}
