import { type Clock, systemClock } from '@santaclaude/kit/clock'
import { within } from '@santaclaude/kit/deadline'
import { Fault } from './faults.ts'
import { type Caller, hashSecret, isLive, type Keys, parseKey, type StoredKey, secretFits } from './keys.ts'

const cacheMs = 10_000
const cachedMax = 10_000
const lookupDeadlineMs = 2_000

interface Cached {
  key: StoredKey
  caller: Caller
  untilMs: number
}

/** Tells who a request's key speaks for. */
export interface Authenticator {
  /** The caller, or a Fault `unauthenticated` (one answer for missing, unknown, revoked and expired) or `store_unavailable`. */
  verify(headers: Headers): Caller | Promise<Caller>
}

const refuse = () => new Fault('unauthenticated', { headers: { 'www-authenticate': 'Bearer realm="santaclaude"' } })

/**
 * Verified keys are remembered for 10 s, which is how long a revoked key can live on and how long keys work while Redis
 * is away. A key that was not seen lately asks Redis.
 */
export function authenticator({
  keys,
  pepper,
  clock = systemClock,
}: {
  keys: Keys
  pepper: string
  clock?: Clock
}): Authenticator {
  const cache = new Map<string, Cached>()

  async function lookUp(text: string): Promise<Cached> {
    const parts = parseKey(text)
    if (!parts) throw refuse()
    const key = await within(lookupDeadlineMs, 'the key lookup', keys.find(parts.id)).catch((cause) => {
      throw new Fault('store_unavailable', { cause })
    })
    const nowMs = clock.now()
    if (!key || !isLive(key, nowMs) || !secretFits(key, hashSecret(pepper, parts.secret), nowMs)) throw refuse()
    const { id: keyId, tenant, name, limits } = key
    const found = {
      key,
      caller: { keyId, tenant, name, limits, scopes: new Set(key.scopes) },
      untilMs: Math.min(
        nowMs + cacheMs,
        ...key.secrets.map((secret) => secret.expiresAtMs ?? Number.POSITIVE_INFINITY),
      ),
    }
    if (cache.size >= cachedMax) cache.clear()
    cache.set(text, found)
    return found
  }

  return {
    verify(headers) {
      const text = keyText(headers)
      if (text === undefined) throw refuse()
      const tenant = headers.get('x-sc-tenant')
      const cached = cache.get(text)
      const nowMs = clock.now()
      if (cached && cached.untilMs > nowMs && isLive(cached.key, nowMs)) return actingFor(cached.caller, tenant)
      cache.delete(text)
      return lookUp(text).then(({ caller }) => actingFor(caller, tenant))
    },
  }
}

function keyText(headers: Headers): string | undefined {
  const authorization = headers.get('authorization')
  if (authorization === null) return headers.get('x-api-key') ?? undefined
  return /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined
}

const tenantForm = /^[a-z0-9][a-z0-9-]{0,62}$/

/** The caller in the tenant it names; only an internal key may name another than its own. */
function actingFor(caller: Caller, tenant: string | null): Caller {
  if (tenant === null || tenant === caller.tenant) return caller
  if (!caller.scopes.has('internal'))
    throw new Fault('forbidden', { detail: 'Only a key with the scope internal may send x-sc-tenant.' })
  if (!tenantForm.test(tenant))
    throw new Fault('malformed_request', { detail: 'x-sc-tenant is not a tenant name: 1 to 63 of a-z, 0-9 and dash.' })
  return { ...caller, tenant }
}
