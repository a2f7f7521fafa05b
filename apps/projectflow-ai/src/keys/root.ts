import type { Recorder } from '@santaclaude/audit/recorder'
import type { Clock } from '@santaclaude/kit/clock'
import { hashSecret, type Keys, parseKey, type StoredKey, scopes } from '@santaclaude/service/keys'

/** The name that only the key of ROOT_KEY_FILE has. */
export const rootName = 'root'

export const isRoot = ({ name }: Pick<StoredKey, 'name'>) => name === rootName

/** Thrown when the text of ROOT_KEY_FILE cannot be used; the message does not show it. */
export class RootKeyError extends Error {}

/** What became of the root key: `revoked` = it was revoked through the API and stays so until the file holds another one. */
export type RootOutcome = 'made' | 'unchanged' | 'revoked'

/**
 * Puts the first key in place: every scope, tenant `default`. Run at each start; several replicas may run it at once.
 * A root key from an earlier file is revoked, so that changing the file is how the root key is rotated.
 */
export async function installRoot(
  { keys, audit, pepper, clock }: { keys: Keys; audit: Recorder; pepper: string; clock: Clock },
  text: string,
): Promise<RootOutcome> {
  const parts = parseKey(text)
  if (!parts)
    throw new RootKeyError('ROOT_KEY_FILE does not hold a key of the form sc_<12 characters>_<32 characters>.')
  const tenant = 'default'
  const hash = hashSecret(pepper, parts.secret)
  const known = await keys.find(parts.id)
  if (known && (!isRoot(known) || known.tenant !== tenant))
    throw new RootKeyError('ROOT_KEY_FILE holds the id of another key. Make a new root key.')
  if (known?.revokedAtMs !== undefined) return 'revoked'
  await endFormer({ keys, audit, clock }, parts.id)
  const isCurrent = known?.secrets.some((secret) => secret.hash === hash) && known.scopes.length === scopes.length
  if (isCurrent) return 'unchanged'
  await keys.put({
    id: parts.id,
    tenant,
    name: rootName,
    scopes: [...scopes],
    limits: {},
    secrets: [{ hash }],
    createdAtMs: known?.createdAtMs ?? clock.now(),
  })
  await audit.record(entryOf('key.created', parts.id))
  return 'made'
}

async function endFormer({ keys, audit, clock }: { keys: Keys; audit: Recorder; clock: Clock }, currentId: string) {
  const former = (await keys.list('default')).filter(
    (key) => isRoot(key) && key.id !== currentId && key.revokedAtMs === undefined,
  )
  for (const key of former)
    if (await keys.replace(key, { ...key, revokedAtMs: clock.now() }))
      await audit.record(entryOf('key.revoked', key.id))
}

const entryOf = (action: string, id: string) => ({
  tenant: 'default',
  actor: { type: 'service', id: 'projectflow-ai' },
  action,
  outcome: 'success' as const,
  target: { type: 'key', id },
  data: { name: rootName, cause: 'ROOT_KEY_FILE' },
})
