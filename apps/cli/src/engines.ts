import { type Chromium, ensureChromium } from '@santaclaude/engines/chromium'
import { freePort, isPortFree } from '@santaclaude/engines/ports'
import { ensureRedisServer, RedisMissingError } from '@santaclaude/engines/redis-install'
import {
  type RedisServer,
  RedisStartError,
  runningRedisPort,
  startRedisServer,
} from '@santaclaude/engines/redis-server'
import { CliError, type Context } from './context.ts'
import { portBaseOf } from './services.ts'
import type { State } from './state.ts'

/** What the services stand on, and how to say it in a word. */
export interface Engines {
  redisUrl: string
  redisLabel: string
  /** The child we started; absent when `REDIS_URL` names a server, or one of ours runs already. */
  redis?: RedisServer
  clickhouseUrl: string
  clickhouseLabel: string
  /** Absent when there is none to be had: then `chromiumLabel` says why. */
  chromium?: Chromium
  chromiumLabel: string
}

/** Redis is kept clear of the services' five ports. */
const redisOffset = 79

/** Finds, installs or starts what is needed. `REDIS_URL` and `CLICKHOUSE_URL` name real servers: then nothing is started. */
export async function openEngines(context: Context, state: State): Promise<Engines> {
  const [redis, chromium] = await Promise.all([openRedis(context, state), findChromium(context, state)])
  const clickhouseUrl = context.env.CLICKHOUSE_URL || `chdb:${state.clickhouseDir}`
  const clickhouseLabel = clickhouseUrl.startsWith('chdb:') ? 'chDB (in process)' : withoutSecrets(clickhouseUrl)
  return { ...redis, ...chromium, clickhouseUrl, clickhouseLabel }
}

async function openRedis({ env, say, isTty }: Context, { redisDir }: State) {
  if (env.REDIS_URL) return { redisUrl: env.REDIS_URL, redisLabel: withoutSecrets(env.REDIS_URL) }
  const running = runningRedisPort(redisDir)
  if (running) return { redisUrl: `redis://127.0.0.1:${running}`, redisLabel: `redis :${running}` }
  try {
    const binary = await ensureRedisServer((line) => say(isTty ? line : JSON.stringify({ event: 'install', line })))
    const wanted = portBaseOf(env) + redisOffset
    const port = (await isPortFree(wanted)) ? wanted : await freePort()
    const redis = await startRedisServer({ binary, dir: redisDir, port })
    return { redis, redisUrl: redis.url, redisLabel: `redis :${port}` }
  } catch (error) {
    if (error instanceof RedisMissingError || error instanceof RedisStartError)
      throw new CliError('engineMissing', error.message)
    throw error
  }
}

async function findChromium({ env }: Context, { chromiumDir }: State) {
  try {
    const chromium = await ensureChromium({ path: env.CHROMIUM_PATH || undefined, unpackDir: chromiumDir })
    return { chromium, chromiumLabel: `${chromium.kind} ${chromium.version} (${chromium.path})` }
  } catch (error) {
    return { chromiumLabel: error instanceof Error ? error.message : String(error) }
  }
}

/** A URL as it may be shown. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return 'a URL that cannot be read'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname.length > 1 ? pathname : ''}`
}
