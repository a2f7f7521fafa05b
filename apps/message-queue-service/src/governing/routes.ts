import { Elysia } from 'elysia'
import { documents } from '../asyncapi/routes.ts'
import { filters } from '../filters/routes.ts'
import type { Ports } from '../ports.ts'
import { quotas } from '../quotas/routes.ts'
import { schemas } from '../schemas/routes.ts'

/** The rooms for governing a tenant: how much it may use, what its events look like, and what it has. */
export const governing = (ports: Ports) =>
  new Elysia({ name: 'governing' }).use(quotas(ports)).use(schemas(ports)).use(filters(ports)).use(documents(ports))
