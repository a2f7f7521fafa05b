import { Fault } from '@santaclaude/service/faults'
import { hashSecret, type KeyLimits, makeKey, type Scope } from '@santaclaude/service/keys'
import { mayManage } from './may-manage.ts'
import type { Asker, KeyPorts } from './ports.ts'
import { publicKey, type ShownKey } from './public-key.ts'
import { rootName } from './root.ts'
import { tell } from './tell.ts'

/** What a new key shall be. */
export interface KeyWish {
  name: string
  scopes: Scope[]
  /** Only a caller with the scope `internal` may name another tenant than the one it acts in. */
  tenant?: string
  expiresAt?: string
  limits?: KeyLimits
}

/**
 * Makes a key and shows its secret, this once. The key is undone when its creation could not be recorded.
 * Faults: forbidden, validation_failed (expiresAt is past), store_unavailable, audit_unavailable.
 */
export async function issue(ports: KeyPorts, asker: Asker, wish: KeyWish): Promise<ShownKey> {
  const { keys, host, clock } = ports
  const tenant = tenantFor(asker, wish.tenant)
  if (wish.name === rootName)
    throw misfit('/body/name', `must not be "${rootName}", the name of the key in ROOT_KEY_FILE`)
  const createdAtMs = clock.now()
  const expiresAtMs = expiryOf(wish.expiresAt, createdAtMs)
  const { id, secret, text } = makeKey()
  const scopes = [...new Set(wish.scopes)]
  await mayManage(ports, { asker, scopes, action: 'key.created', keyId: id })
  const stored = {
    id,
    tenant,
    name: wish.name,
    scopes,
    limits: wish.limits ?? {},
    secrets: [{ hash: hashSecret(host.pepper, secret) }],
    createdAtMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
  await keys.put(stored)
  const key = publicKey(stored, createdAtMs)
  try {
    await tell(ports, { who: asker.who, act: 'key.created', key })
  } catch (error) {
    // Nobody has seen the secret, so the key is dead already; revoking it only tidies the list.
    await keys.put({ ...stored, revokedAtMs: clock.now() }).catch(() => {})
    throw error
  }
  return { key, secret: text }
}

/** The tenant the platform keeps its own topics in. No key ever speaks for it. */
const platformTenant = 'sc'

function tenantFor({ who, scopes }: Asker, wished = who.tenant): string {
  if (wished === platformTenant) throw new Fault('forbidden', { detail: 'No key may belong to the tenant sc.' })
  if (wished !== who.tenant && !scopes.has('internal'))
    throw new Fault('forbidden', { detail: 'Only a key with the scope internal may make keys for another tenant.' })
  return wished
}

function expiryOf(expiresAt: string | undefined, nowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined
  const ms = Date.parse(expiresAt)
  if (!(ms > nowMs)) throw misfit('/body/expiresAt', 'must be a time to come')
  return ms
}

const misfit = (path: string, message: string) =>
  new Fault('validation_failed', { detail: `${path} ${message}.`, errors: [{ path, message }] })
