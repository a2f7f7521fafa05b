import { Fault } from '@santaclaude/service/faults'
import type { Scope } from '@santaclaude/service/keys'
import type { Asker, KeyPorts } from './ports.ts'

/**
 * Nobody hands out what they do not hold: a key may create, rotate or revoke only keys whose every scope is its own.
 * Otherwise `keys:admin` alone would be every scope, by way of a new key or of a rotated stronger one.
 * Throws the Fault `forbidden` after the attempt was recorded as denied.
 */
export async function mayManage(
  { audit }: KeyPorts,
  { asker, scopes, action, keyId }: { asker: Asker; scopes: readonly Scope[]; action: string; keyId: string },
): Promise<void> {
  const missing = scopes.filter((scope) => !asker.scopes.has(scope))
  if (missing.length === 0) return
  await audit.record({
    ...asker.who,
    action,
    outcome: 'denied',
    target: { type: 'key', id: keyId },
    data: { missing },
  })
  throw new Fault('forbidden', {
    detail: `Your key does not hold ${missing.join(', ')} itself, so it may not manage a key that does.`,
  })
}
