import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@santaclaude/engines/ports'
import {
  findRedisServer,
  type RedisServer,
  type RedisServerOptions,
  RedisStartError,
  startRedisServer,
} from '@santaclaude/engines/redis-server'

/** A real Redis for one test file, on a free port and in a folder of its own. */
export interface TestRedis {
  url: string
  port: number
  /** Of the process that runs now; changes with `restart`. */
  readonly pid: number
  /** Ends it as a crash would; the port and the append-only file stay. */
  kill9(): Promise<void>
  /** Starts it again on the same port and file; ends it first (SIGTERM) when it still runs. */
  restart(): Promise<void>
  /** Ends it and removes its folder. */
  close(): Promise<void>
}

/** Starts a real `redis-server` (or `valkey-server`). `appendfsync: 'always'` makes every acknowledged write survive `kill9`. */
export async function startRedis(options: Pick<RedisServerOptions, 'appendfsync' | 'args'> = {}): Promise<TestRedis> {
  const binary = findRedisServer()
  if (!binary) throw new Error('no redis-server or valkey-server on this machine: `bun run test` installs one')
  const dir = mkdtempSync(join(tmpdir(), 'sc-redis-'))
  let server = await startOnFreePort({ ...options, binary, dir })
  const { port, url } = server

  return {
    url,
    port,
    get pid() {
      return server.pid
    },
    kill9: () => server.kill9(),
    restart: async () => {
      await server.stop()
      server = await startRedisServer({ ...options, binary, dir, port })
    },
    close: async () => {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function startOnFreePort(options: Omit<RedisServerOptions, 'port'>): Promise<RedisServer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await startRedisServer({ ...options, port: await freePort() })
    } catch (error) {
      const isPortTaken = error instanceof RedisStartError && error.reason === 'port_in_use'
      if (!isPortTaken || attempt === 4) throw error
    }
  }
}
