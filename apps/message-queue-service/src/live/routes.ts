import { Elysia } from 'elysia'
import type { Ports } from '../ports.ts'
import { sockets } from '../sockets/routes.ts'
import { streams } from '../streams/routes.ts'

/** What brings events as they come: server-sent events and WebSockets. */
export const live = (ports: Ports) => new Elysia({ name: 'live' }).use(streams(ports)).use(sockets(ports))
