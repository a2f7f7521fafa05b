import { findOwn, overtaken } from './find-own.ts'
import { mayManage } from './may-manage.ts'
import type { Asker, KeyPorts } from './ports.ts'
import { type PublicKey, publicKey } from './public-key.ts'
import { tell } from './tell.ts'

/**
 * Ends a key for good, within 10 s everywhere. The key is dead before the record is asked for, since a key that may have
 * leaked must not outlive a sick audit trail; repeating the call records it then. A key that is revoked already stays so.
 * Faults: not_found, forbidden, conflict (changed meanwhile), audit_unavailable (revoked, but not recorded yet).
 */
export async function revoke(ports: KeyPorts, asker: Asker, id: string): Promise<PublicKey> {
  const { keys, clock } = ports
  const before = await findOwn(ports, asker.who.tenant, id)
  await mayManage(ports, { asker, scopes: before.scopes, action: 'key.revoked', keyId: id })
  const nowMs = clock.now()
  const wasRevoked = before.revokedAtMs !== undefined
  const after = wasRevoked ? before : { ...before, revokedAtMs: nowMs }
  if (!wasRevoked && !(await keys.replace(before, after))) throw overtaken()
  const key = publicKey(after, nowMs)
  await tell(ports, { who: asker.who, act: 'key.revoked', key, data: { wasRevoked } })
  return key
}
