import { chassis } from '@santaclaude/service/chassis'
import { Elysia } from 'elysia'
import { events, expressPost } from './events/routes.ts'
import { governing } from './governing/routes.ts'
import { groups } from './groups/routes.ts'
import { keeping } from './keeping/routes.ts'
import { live } from './live/routes.ts'
import type { Ports } from './ports.ts'
import { topics } from './topics/routes.ts'
import { webhooks } from './webhooks/routes.ts'

/** The event bus: publish over plain HTTP; read by page, by stream, in a consumer group, or by webhook. */
export const app = (ports: Ports) =>
  new Elysia()
    .use(
      chassis({
        ...ports,
        ...{ name: 'message-queue-service', description: 'CloudEvents in; pages, streams, groups, webhooks out.' },
        ...{ ready: { redis: () => ports.log.ping() }, express: expressPost(ports) },
        admit: (caller) => ports.quotas.admit(caller),
      }),
    )
    .use(topics(ports))
    .use(events(ports))
    .use(live(ports))
    .use(groups(ports))
    .use(keeping(ports))
    .use(governing(ports))
    .use(webhooks(ports))
export type App = ReturnType<typeof app>
