import http from 'node:http'
import type { AnyElysia } from 'elysia'
import { socketEvents } from './socket.ts'

/** The most Bun itself reads of one body; smaller limits, with an answer, are the chassis's and the routes'. */
const bodyBytesCeiling = 268_435_456

/** Bun answers longer headers with a bare 431 before any hook; up to here the chassis refuses them in words. */
const headerBytesCeiling = 262_144

/** Listens with everything a service's routes may count on: long headers, large bodies, WebSockets. */
export function serve(app: AnyElysia, { hostname, port }: { hostname: string; port: number }) {
  Object.assign(http, { maxHeaderSize: headerBytesCeiling })
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: 120,
    maxRequestBodySize: bodyBytesCeiling,
    fetch: (request) => app.fetch(request),
    // Routes open sockets with `upgradeToSocket`; what comes over them goes to the handler they were opened with.
    websocket: socketEvents,
  })
  app.server = server as typeof app.server
  return server
}
