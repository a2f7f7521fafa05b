import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from '@santaclaude/engines/guardian'
import { freePort } from '@santaclaude/engines/ports'
import { findRedisServer, type RedisServer, startRedisServer } from '@santaclaude/engines/redis-server'
import { pause } from '@santaclaude/kit/deadline'
import { openRedis } from '@santaclaude/redis/open'
import { hashSecret, makeKey, type Scope, type StoredKey } from '@santaclaude/service/keys'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import type { Redis } from 'ioredis'

const pepper = 'weather-pepper-weather-pepper'
const main = join(import.meta.dir, '../../apps/message-queue-service/src/main.ts')
const everything: Scope[] = ['events:publish', 'events:consume', 'events:admin']

/** One process of message-queue-service. */
export interface Member {
  url: string
  signal(name: NodeJS.Signals): void
  kill9(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** Starts it where it was, unless it runs. */
  start(): Promise<void>
  /** What it wrote on stderr. */
  complaints(): string
}

/** A real Redis with its append-only file, and two processes of the service on it. */
export interface World {
  redis: Redis
  members: Member[]
  /** The key of a tenant, written into Redis when it is not there (any more). */
  keyOf(tenant: string): string
  rewriteKeys(): Promise<void>
  /** A signal to Redis, if it runs. */
  signalRedis(name: NodeJS.Signals): void
  redisPid(): number
  killRedis(): Promise<void>
  startRedis(): Promise<void>
  /** Takes the last bytes of the append-only file; only while Redis is down. */
  cutTail(bytes: number): void
  aofBytes(): number
  close(): Promise<void>
}

export async function startWorld(tenants: string[]): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'sc-weather-'))
  const binary = ignoringFileLimit(dir)
  const port = await freePort()
  const start = () => startRedisServer({ dir, port, binary })
  let server: RedisServer = await start()
  let isUp = true
  let starting: Promise<RedisServer> | undefined
  const redis = openRedis(server.url, { name: 'weather' })
  const { stored, texts } = makeKeys(tenants)
  const rewriteKeys = async () => {
    for (const key of stored) await keysInRedis(redis).put(key)
  }
  await rewriteKeys()
  const members = [await member(server.url, await freePort()), await member(server.url, await freePort())]
  await Promise.all(members.map((one) => one.start()))
  const aofFile = () => {
    const folder = join(dir, 'appendonlydir')
    const names = readdirSync(folder).filter((name) => name.endsWith('.incr.aof'))
    return join(folder, names.sort().at(-1) ?? '')
  }
  return {
    redis,
    members,
    keyOf: (tenant) => texts.get(tenant) ?? '',
    rewriteKeys,
    signalRedis: (name) => {
      if (isUp) process.kill(server.pid, name)
    },
    redisPid: () => server.pid,
    killRedis: async () => {
      isUp = false
      await server.kill9()
    },
    startRedis: async () => {
      if (isUp) return
      starting ??= start().finally(() => {
        starting = undefined
      })
      server = await starting
      isUp = true
    },
    cutTail: (bytes) => truncateSync(aofFile(), Math.max(0, statSync(aofFile()).size - bytes)),
    aofBytes: () => statSync(aofFile()).size,
    close: async () => {
      redis.disconnect()
      await Promise.all(members.map((one) => one.kill9()))
      await server.kill9()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A Redis that meets a full disk (a limit on the size of its file) gets an error, not a deadly signal. */
function ignoringFileLimit(dir: string): string {
  const binary = findRedisServer()
  if (!binary) throw new Error('no redis-server on this machine')
  const path = join(dir, 'redis-server')
  writeFileSync(path, `#!/bin/sh\ntrap '' XFSZ\nexec ${binary} "$@"\n`, { mode: 0o755 })
  return path
}

function makeKeys(tenants: string[]) {
  const texts = new Map<string, string>()
  const stored = tenants.map((tenant): StoredKey => {
    const { id, secret, text } = makeKey()
    texts.set(tenant, text)
    const secrets = [{ hash: hashSecret(pepper, secret) }]
    return { id, tenant, name: 'weather', scopes: everything, limits: {}, secrets, createdAtMs: Date.now() }
  })
  return { texts, stored }
}

async function member(redisUrl: string, port: number): Promise<Member> {
  const url = `http://127.0.0.1:${port}`
  let child: Bun.Subprocess<'ignore', 'ignore' | 'inherit', 'pipe'> | undefined
  let text = ''
  return {
    url,
    signal: (name) => child?.kill(name),
    kill9: async () => {
      child?.kill('SIGKILL')
      await child?.exited
    },
    stop: async () => {
      child?.kill('SIGTERM')
      await child?.exited
    },
    start: async () => {
      if (child && child.exitCode === null && child.signalCode === null) return
      const started = Bun.spawn({
        cmd: [process.execPath, '--preload', join(import.meta.dir, 'clock-step.ts'), main],
        env: {
          ...{ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
          ...{
            PORT: String(port),
            REDIS_URL: redisUrl,
            KEY_PEPPER: pepper,
            LOG_LEVEL: process.env.WEATHER_LOGS ?? 'error',
          },
          ...{ LAME_DUCK_MS: '0', DRAIN_MS: '2000', UPKEEP_EVERY_MS: '200', WEBHOOK_ALLOW_PRIVATE: 'true' },
        },
        stdin: 'ignore',
        stdout: process.env.WEATHER_LOGS ? 'inherit' : 'ignore',
        stderr: 'pipe',
      })
      child = started
      const unguard = guard(started.pid)
      void started.exited.then(unguard)
      void (async () => {
        for await (const bytes of started.stderr) text = (text + Buffer.from(bytes)).slice(-20_000)
      })()
      while (!(await answers(`${url}/health`))) {
        if (started.exitCode !== null) throw new Error(`the service ended with ${started.exitCode}: ${text}`)
        await pause(20)
      }
    },
    complaints: () => text,
  }
}

export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}
