import { Redis, type RedisOptions } from 'ioredis'

export interface OpenOptions {
  /** Shown by `CLIENT LIST`, so an operator can tell the connections of a process apart. */
  name: string
  /** For a connection that blocks or subscribes: no deadline on the reply, but one on the silence after the block should have ended. */
  blocking?: boolean
  /**
   * For a connection whose commands must not run late: a command given while Redis is away is refused at once
   * ("Stream isn't writeable") instead of waiting in a line, so its caller knows that nothing was sent.
   */
  refusesOffline?: boolean
  /** Connect on the first command (or `connect()`) instead of at once. */
  lazy?: boolean
  /** How long a command may stay without an answer, in milliseconds. */
  commandTimeoutMs?: number
  /** Told about each connection error; without it they are silent here and show up as failing commands. */
  onError?: (error: Error) => void
}

/** The longest pause between two attempts to reach a Redis that is away, in milliseconds. */
const RETRY_MS_MAX = 500

/**
 * A Redis connection with ioredis's dangerous defaults closed:
 * - a command that was in flight when the connection broke is **rejected at once and never sent again**. By default
 *   ioredis sends it again after the reconnect, which duplicates appends; with only `autoResendUnfulfilledCommands`
 *   off its promise never settles. `maxRetriesPerRequest: 0` empties both lines at every break.
 * - every reply has a deadline, so a frozen Redis is noticed.
 * - reconnects come at most 500 ms apart, for ever, so a service is back as soon as Redis is.
 * - a connection error never kills the process as an unhandled `error` event.
 *
 * A rejection after the command was sent leaves its outcome unknown: see {@link wasNeverSent}.
 */
export function openRedis(url: string, options: OpenOptions): Redis {
  const redis = new Redis(url, redisOptions(options))
  redis.on('error', options.onError ?? (() => {}))
  return redis
}

/** The ioredis options behind {@link openRedis}. */
function redisOptions({ name, blocking, refusesOffline, lazy, commandTimeoutMs = 5_000 }: OpenOptions) {
  return {
    connectionName: name,
    retryStrategy: (attempt) => Math.min(RETRY_MS_MAX, 50 * attempt),
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: !refusesOffline,
    lazyConnect: lazy ?? false,
    connectTimeout: 5_000,
    ...(blocking ? { blockingTimeout: 60_000, blockingTimeoutGrace: 1_000 } : { commandTimeout: commandTimeoutMs }),
  } satisfies RedisOptions
}

/** Whether an error from a connection proves that its command never left this process, so trying again is safe. */
export const wasNeverSent = (error: unknown) =>
  error instanceof Error && error.message.startsWith("Stream isn't writeable")

/** Resolves when the connection can take a command; rejects after `deadlineMs`, or when it was closed for good. */
export function whenReady(redis: Redis, deadlineMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  if (redis.status === 'wait') redis.connect().catch(() => {})
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      redis.off('end', onEnd)
      if (error) reject(error)
      else resolve()
    }
    const onReady = () => settle()
    const onEnd = () => settle(new Error('the Redis connection was closed'))
    const timer = setTimeout(() => settle(new Error(`Redis was not reachable for ${deadlineMs} ms`)), deadlineMs)
    redis.on('ready', onReady)
    redis.on('end', onEnd)
    if (redis.status === 'end') onEnd()
  })
}
