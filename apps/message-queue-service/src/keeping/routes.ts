import { Elysia } from 'elysia'
import { deadLetters } from '../dead-letters/routes.ts'
import { explanations } from '../explain/routes.ts'
import type { QueuePorts } from '../ports.ts'
import { schedules } from '../schedules/routes.ts'
import { traces } from '../trace/routes.ts'

/** The rooms for keeping a topic going: what died, what is due, why nothing comes, what became of an event. */
export const keeping = (ports: QueuePorts) =>
  new Elysia({ name: 'keeping' })
    .use(deadLetters(ports))
    .use(explanations(ports))
    .use(traces(ports))
    .use(schedules(ports))
