import { base62Random } from '@santaclaude/kit/ids'
import { Fault } from '@santaclaude/service/faults'
import { hashSecret, type StoredKey } from '@santaclaude/service/keys'
import { findOwn, inForce, overtaken } from './find-own.ts'
import { mayManage } from './may-manage.ts'
import type { Asker, KeyPorts } from './ports.ts'
import { publicKey, type ShownKey } from './public-key.ts'
import { isRoot } from './root.ts'
import { tell } from './tell.ts'

const secretsMax = 4

/**
 * Gives a key a new secret, shown this once. The old one keeps working for `overlapMs` and at most as long as it would
 * have; callers then still see it for up to the 10 s that services remember a verified key.
 * Faults: not_found, forbidden, conflict (not in force, the root key, too many overlapping secrets, changed meanwhile).
 */
export async function rotate(
  ports: KeyPorts,
  asker: Asker,
  { id, overlapMs }: { id: string; overlapMs: number },
): Promise<ShownKey> {
  const { keys, clock, host } = ports
  const nowMs = clock.now()
  const before = inForce(await findOwn(ports, asker.who.tenant, id), nowMs)
  await mayManage(ports, { asker, scopes: before.scopes, action: 'key.rotated', keyId: id })
  if (isRoot(before))
    throw new Fault('conflict', { detail: 'The root key is the one in ROOT_KEY_FILE: change it there.' })
  const secret = base62Random(32)
  const after = {
    ...before,
    secrets: [...overlapping(before, nowMs, overlapMs), { hash: hashSecret(host.pepper, secret) }],
  }
  if (after.secrets.length > secretsMax)
    throw new Fault('conflict', {
      detail: `At most ${secretsMax} secrets of a key may overlap. Wait, or use overlapMs 0.`,
    })
  if (!(await keys.replace(before, after))) throw overtaken()
  const key = publicKey(after, nowMs)
  try {
    await tell(ports, { who: asker.who, act: 'key.rotated', key, data: { overlapMs } })
  } catch (error) {
    // Unrecorded means undone: nobody has seen the new secret, and the old one keeps its full life.
    await keys.replace(after, before).catch(() => false)
    throw error
  }
  return { key, secret: `sc_${id}_${secret}` }
}

/** The secrets that are still good, none of them for longer than the overlap. */
function overlapping({ secrets }: StoredKey, nowMs: number, overlapMs: number) {
  const endMs = nowMs + overlapMs
  return secrets
    .map(({ hash, expiresAtMs = Number.POSITIVE_INFINITY }) => ({ hash, expiresAtMs: Math.min(expiresAtMs, endMs) }))
    .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
}
