import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Engine } from './engine.ts'

/**
 * A ClickHouse server over HTTP; `url` may carry user and password. Opens no connection: a server that is away is the
 * business of whoever asks it something.
 */
export function openServer(url: string, { requestMs }: { requestMs: number }): Engine {
  const open = (max_open_connections: number) =>
    createClient({
      url,
      application: 'santaclaude-audit-sink',
      request_timeout: requestMs,
      max_open_connections,
      // Below the server's own keep-alive (10 s since 23.11, 3 s before): a socket it closes first fails the next insert.
      keep_alive: { enabled: true, idle_socket_ttl: 2_000, eagerly_destroy_stale_sockets: true },
      compression: { request: true, response: true },
      log: { level: ClickHouseLogLevel.OFF },
    })
  const writer = open(8)
  const reader = open(16)
  return {
    name: 'server',
    writerId: uuidv7(),
    writer,
    readers: Array.from({ length: 16 }, () => reader),
    close: async () => {
      await writer.close()
      await reader.close()
    },
  }
}
