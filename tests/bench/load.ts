import { connect } from 'bun'

/** What one load run saw. */
export interface LoadResult {
  requests: number
  seconds: number
  /** Answers whose status was not the one asked for. */
  wrong: number
}

const head = new TextEncoder().encode('HTTP/1.1 ')

/**
 * Sends the same request over and over on `connections` keep-alive connections, each waiting for its answer. Answers
 * are counted by their status line, so the answer's body must not hold one. Loopback only, bounded by count.
 */
export async function load({
  port,
  request,
  connections,
  requests,
  status = 200,
}: {
  port: number
  request: string
  connections: number
  requests: number
  status?: number
}): Promise<LoadResult> {
  const bytes = new TextEncoder().encode(request)
  const wanted = new TextEncoder().encode(`HTTP/1.1 ${status}`)
  let sent = 0
  let answered = 0
  let wrong = 0
  const done = Promise.withResolvers<void>()
  const startedMs = performance.now()
  const next = (socket: { write(data: Uint8Array): number; end(): void }) => {
    if (sent < requests) {
      sent++
      socket.write(bytes)
    } else socket.end()
  }
  const sockets = await Promise.all(
    Array.from({ length: connections }, () =>
      connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          open: next,
          data(socket, chunk) {
            for (let at = chunk.indexOf(head as never); at >= 0; at = chunk.indexOf(head as never, at + 1)) {
              answered++
              if (chunk.compare(wanted as never, 0, wanted.length, at, at + wanted.length) !== 0) wrong++
              if (answered === requests) return done.resolve()
              next(socket)
            }
          },
          error: (_, error) => done.reject(error),
          close() {
            if (sent < requests) done.reject(new Error('the server closed a connection'))
          },
        },
      }),
    ),
  )
  await done.promise
  const seconds = (performance.now() - startedMs) / 1000
  for (const socket of sockets) socket.end()
  return { requests: answered, seconds, wrong }
}
