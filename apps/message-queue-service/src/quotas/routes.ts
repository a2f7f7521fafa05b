import { room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { getQuotas, putQuotas } from './put.ts'
import { tenantParams as params, QuotaLimits, Quotas, QuotaWish } from './schemas.ts'

/** Quotas: what a tenant may use and does use. */
export const quotas = (ports: QueuePorts) =>
  room('/v1/quotas')
    .model({ QuotaLimits, Quotas, QuotaWish })
    .get('', ({ who: { tenant } }) => getQuotas(ports, tenant), {
      scope: 'events:consume',
      response: { 200: 'Quotas' },
      detail: {
        summary: 'Show the tenant’s quotas and their use',
        description:
          'What is too much is answered 429: `rate_limited` for a rate, `quota_exceeded` for an amount, both with `Retry-After`. Rates are shared by all replicas and leased in slices of a tenth of a second, so a burst can pass a rate by that much per replica.',
      },
    })
    .get('/:tenant', ({ params: { tenant } }) => getQuotas(ports, tenant), {
      scope: 'internal',
      params,
      response: { 200: 'Quotas' },
      detail: { summary: 'Show the quotas of any tenant and their use' },
    })
    .put('/:tenant', ({ params: { tenant }, body, who }) => putQuotas(ports, who, { tenant, wish: body }), {
      scope: 'internal',
      params,
      body: 'QuotaWish',
      response: { 200: 'Quotas' },
      detail: {
        summary: 'Set the quotas of a tenant',
        description:
          'Holds at once on the replica that answers, and within 5 s on the others. `{}` restores the defaults.',
      },
    })
