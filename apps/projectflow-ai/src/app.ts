import { emitter } from '@santaclaude/log/emit'
import { chassis } from '@santaclaude/service/chassis'
import { Elysia } from 'elysia'
import { docs } from './docs/routes.ts'
import { events } from './events/routes.ts'
import { keys } from './keys/routes.ts'
import { peers } from './peers/routes.ts'
import type { Ports } from './ports.ts'
import { status } from './status/routes.ts'

/** The front door: keys, the status of the house, one API explorer, and the way through to the other services. */
export const app = (ports: Ports) =>
  new Elysia()
    .use(
      chassis({
        ...ports,
        name: 'projectflow-ai',
        description: 'The front door: API keys, the status of the house, one explorer for all five APIs.',
        pages: false,
      }),
    )
    .use(keys({ ...ports, emit: emitter(ports.log, '/projectflow-ai'), onUnheard: ports.meters.onUnheard }))
    .use(status(ports))
    .use(events(ports))
    .use(docs(ports))
    .use(peers({ peers: ports.peers, onForward: ports.meters.onForward }))

export type App = ReturnType<typeof app>
