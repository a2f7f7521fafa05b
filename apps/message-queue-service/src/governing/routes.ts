import { Elysia } from 'elysia'
import type { QueuePorts } from '../ports.ts'
import { quotas } from '../quotas/routes.ts'
import { schemas } from '../schemas/routes.ts'

/** The rooms for governing a tenant: how much it may use, what its events must look like. */
export const governing = (ports: QueuePorts) => new Elysia({ name: 'governing' }).use(quotas(ports)).use(schemas(ports))
