import { chassis } from '@santaclaude/service/chassis'
import { Elysia } from 'elysia'
import { dialectOf } from './chat/dialect.ts'
import { chat } from './chat/routes.ts'
import { models } from './models/routes.ts'
import type { Ports } from './ports.ts'
import { providers } from './providers/routes.ts'
import { sessions } from './sessions/routes.ts'

/** The service: model calls for every provider under one key, one protocol and one set of books. */
export const app = (ports: Ports) =>
  new Elysia()
    .use(
      chassis({
        ...ports.house,
        name: 'ai-service',
        description: 'One address for every model: OpenAI’s protocol, sessions with memory, every call on the record.',
        dialect: dialectOf,
      }),
    )
    .use(chat(ports))
    .use(models(ports))
    .use(sessions(ports))
    .use(providers(ports))
export type App = ReturnType<typeof app>
