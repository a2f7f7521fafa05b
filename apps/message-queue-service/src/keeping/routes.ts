import { Elysia } from 'elysia'
import { deadLetters } from '../dead-letters/routes.ts'
import type { QueuePorts } from '../ports.ts'
import { schedules } from '../schedules/routes.ts'

/** The rooms for keeping a topic going: what died, what is due. */
export const keeping = (ports: QueuePorts) =>
  new Elysia({ name: 'keeping' }).use(deadLetters(ports)).use(schedules(ports))
