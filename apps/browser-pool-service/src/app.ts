import { chassis } from '@santaclaude/service/chassis'
import { Elysia } from 'elysia'
import { pages } from './pages/routes.ts'
import type { Ports } from './ports.ts'
import { sessions } from './sessions/routes.ts'
import { stats } from './stats/routes.ts'

/** Real browsers for agents: sessions, pages, and what can be done in them. */
export const app = (ports: Ports) =>
  new Elysia()
    .use(
      chassis({
        name: 'browser-pool-service',
        description: 'Real browsers for agents: isolated sessions, pages to read by text and act on by ref.',
        ...ports,
      }),
    )
    .use(sessions(ports))
    .use(pages(ports))
    .use(stats(ports))
export type App = ReturnType<typeof app>
