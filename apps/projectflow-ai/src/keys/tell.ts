import type { Who } from '@santaclaude/service/exchange'
import type { KeyPorts } from './ports.ts'
import type { PublicKey } from './public-key.ts'

/** What can become of a key; the audit action and the event type are one word. */
export type KeyAct = 'key.created' | 'key.rotated' | 'key.revoked'

/**
 * Records the act and tells the others. Rejects when the record could not be appended: the caller then undoes the act.
 * The event is news, not evidence, so its loss is counted and does not undo anything.
 */
export async function tell(
  { audit, emit, onUnheard }: KeyPorts,
  { who, act, key, data = {} }: { who: Who; act: KeyAct; key: PublicKey; data?: Record<string, unknown> },
): Promise<void> {
  const { id, tenant, name, scopes } = key
  await audit.record({
    ...who,
    tenant,
    action: act,
    outcome: 'success',
    target: { type: 'key', id },
    data: { name, scopes, ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }), ...data },
  })
  await emit({
    tenant,
    topic: 'projectflow',
    type: `projectflow.${act}`,
    subject: id,
    partitionkey: id,
    traceparent: who.traceparent,
    data: key,
  }).catch(onUnheard)
}
