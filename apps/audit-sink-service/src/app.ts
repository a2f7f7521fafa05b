import { chassis } from '@santaclaude/service/chassis'
import { Elysia } from 'elysia'
import { events } from './events/routes.ts'
import type { Ports } from './ports.ts'
import { quarantine } from './quarantine/routes.ts'

/** The record of every act: taken in through the log, kept in ClickHouse, found again. */
export const app = ({ host, keys, idempotency, log, store }: Ports) =>
  new Elysia()
    .use(
      chassis({
        name: 'audit-sink-service',
        description: 'The record of every act: sent in, kept for good, found again.',
        keys,
        idempotency,
        ready: { redis: log.ping, clickhouse: store.ping },
        host,
        bodyBytesMax: 4_194_304,
      }),
    )
    .use(events({ log, archive: store }))
    .use(quarantine({ archive: store }))

export type App = ReturnType<typeof app>
