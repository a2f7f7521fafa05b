import type { Who } from '@santaclaude/service/exchange'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import type { Limits } from './store/port.ts'

/** Gives a tenant limits of its own in place of the defaults. Other replicas follow within 5 s. */
export async function putQuotas(
  ports: QueuePorts,
  who: Who,
  { tenant, wish }: { tenant: string; wish: Partial<Limits> },
) {
  const affected = { ...who, tenant }
  const act = { action: 'mq.quota.changed', target: { type: 'tenant', id: tenant }, data: { ...wish } }
  await recorded(ports, affected, { act, work: () => ports.quotas.override(tenant, wish) })
  await tell(ports, affected, { type: 'mq.quota.changed', subject: tenant, data: { limits: { ...wish } } })
  return getQuotas(ports, tenant)
}

/** A tenant's limits and what it uses of them. */
export const getQuotas = async ({ quotas }: Pick<QueuePorts, 'quotas'>, tenant: string) => ({
  tenant,
  ...(await quotas.use(tenant)),
})
