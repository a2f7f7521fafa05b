import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from '@santaclaude/engines/guardian'
import { freePort } from '@santaclaude/engines/ports'
import { findRedisServer } from '@santaclaude/engines/redis-server'
import { Redis } from 'ioredis'
import { untilTrue } from './redis-cluster.ts'
import { startRedis, type TestRedis } from './redis-server.ts'

/** A primary, two replicas and three sentinels, for one test file. */
export interface TestSentinel {
  /** `redis+sentinel://…/main` with every sentinel. */
  url: string
  /** The servers; which of them is the primary changes. */
  servers: TestRedis[]
  /** The server that the sentinels call the primary now. */
  primary(): Promise<TestRedis>
  /** Resolves when the sentinels see a primary with two replicas in step. */
  whole(): Promise<void>
  /** Ends all of them and removes their folders. */
  close(): Promise<void>
}

const NAME = 'main'
/** How long the primary may be silent before a replica takes its place. */
const DOWN_MS = 500
const START_MS = 30_000

/** Starts six real processes with a failover of about two seconds. */
export async function startSentinel(): Promise<TestSentinel> {
  const parts: { close(): Promise<void> }[] = []
  const close = async () => {
    await Promise.all(parts.map((part) => part.close()))
  }
  const server = async (args: string[] = []) => {
    const started = await startRedis({ args: ['--repl-diskless-sync-delay', '0', '--replica-priority', '10', ...args] })
    // A server that is asked to stop waits for its replicas.
    parts.push({ close: () => started.kill9().then(() => started.close()) })
    return started
  }
  try {
    const first = await server()
    const replicaOf = ['--replicaof', '127.0.0.1', String(first.port)]
    const servers = [first, ...(await Promise.all([server(replicaOf), server(replicaOf)]))]
    const sentinels = await Promise.all([1, 2, 3].map(() => startSentinelProcess(first.port)))
    parts.push(...sentinels)
    await untilTrue('the sentinels know each other and the replicas', START_MS, async () => {
      const looks = await Promise.all(sentinels.map(({ look }) => look()))
      return looks.every((text) => /status=ok/.test(text) && /slaves=2,sentinels=3/.test(text))
    })
    const [ask] = sentinels
    const primary = async () => {
      const port = await ask?.primaryPort()
      const found = servers.find((one) => one.port === port)
      if (!found) throw new Error('the sentinels name no primary of ours')
      return found
    }
    return {
      url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`,
      servers,
      primary,
      whole: () =>
        untilTrue('a primary has two replicas in step', START_MS, async () => {
          const redis = new Redis((await primary()).url, { maxRetriesPerRequest: 0 })
          redis.on('error', () => {})
          const about = await redis.info('replication').catch(() => '')
          redis.disconnect()
          return (about.match(/state=online/g)?.length ?? 0) === 2
        }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function startSentinelProcess(primaryPort: number) {
  const dir = mkdtempSync(join(tmpdir(), 'sc-sentinel-'))
  const port = await freePort()
  const file = join(dir, 'sentinel.conf')
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2`],
    ...[`sentinel down-after-milliseconds ${NAME} ${DOWN_MS}`, `sentinel failover-timeout ${NAME} 3000`],
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = Bun.spawn({
    cmd: [findRedisServer() ?? 'redis-server', file, '--sentinel'],
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
  })
  const unguard = guard(child.pid)
  const ask = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 25, enableReadyCheck: false })
  ask.on('error', () => {})
  return {
    port,
    look: () => ask.info('sentinel').catch(() => ''),
    primaryPort: async () => {
      const place = (await ask.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as string[] | null
      return Number(place?.[1])
    },
    close: async () => {
      ask.disconnect()
      child.kill('SIGKILL')
      await child.exited
      unguard()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
