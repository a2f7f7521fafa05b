import { Fault } from '@santaclaude/service/faults'
import { isLive, type StoredKey } from '@santaclaude/service/keys'
import type { KeyPorts } from './ports.ts'

/** A key of this tenant. Faults: not_found, with one answer for keys of others and keys of nobody. */
export async function findOwn({ keys }: KeyPorts, tenant: string, id: string): Promise<StoredKey> {
  const key = await keys.find(id)
  if (!key || key.tenant !== tenant) throw new Fault('not_found', { detail: 'This tenant has no key with this id.' })
  return key
}

/** The key, or the Fault `conflict` when it is not in force any more. */
export function inForce(key: StoredKey, nowMs: number): StoredKey {
  if (!isLive(key, nowMs)) throw new Fault('conflict', { detail: 'The key is revoked or expired. Make a new one.' })
  return key
}

/** The answer to a change that met another change of the same key. */
export const overtaken = () => new Fault('conflict', { detail: 'The key was changed by another request meanwhile.' })
