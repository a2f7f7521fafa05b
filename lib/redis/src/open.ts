import { type CommonRedisOptions, Redis } from 'ioredis'
import { parseRedisUrl } from './address.ts'
import { openCluster, untilReady } from './cluster.ts'

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
 * A connection to one Redis, to the primary that sentinels name, or to a Cluster (the forms of the URL are
 * {@link parseRedisUrl}'s), with ioredis's dangerous defaults closed:
 * - a command that was in flight when the connection broke is **rejected at once and never sent again**. By default
 *   ioredis sends it again after the reconnect, which duplicates appends; with only `autoResendUnfulfilledCommands`
 *   off its promise never settles. `maxRetriesPerRequest: 0` empties both lines at every break.
 * - every reply has a deadline, so a frozen Redis is noticed.
 * - reconnects come at most 500 ms apart, for ever, so a service is back as soon as Redis is. Sentinels are asked anew
 *   at each of them, and when the server turns out to be a replica now.
 * - a connection error never kills the process as an unhandled `error` event.
 *
 * A rejection after the command was sent leaves its outcome unknown: see {@link wasNeverSent}. On a Cluster the keys of
 * one command, script, pipeline or transaction must share a hash tag, and commands without a key reach any one server.
 */
export function openRedis(url: string, options: OpenOptions): Redis {
  const redis = connect(url, options)
  redis.on('error', options.onError ?? (() => {}))
  return redis
}

function connect(url: string, options: OpenOptions): Redis {
  const { refusesOffline = false, lazy: lazyConnect = false, blocking, commandTimeoutMs = 5_000 } = options
  const address = parseRedisUrl(url)
  if (!address) throw new TypeError('This is no address of a Redis.')
  const common = { ...commonOptions(options), lazyConnect, enableOfflineQueue: !refusesOffline }
  if (address.kind === 'server') return new Redis(address.url, { ...common, retryStrategy })
  const { username, password, isTls } = address.access
  const login = { ...(username && { username }), ...(password && { password }), ...(isTls && { tls: {} }) }
  if (address.kind === 'sentinel') {
    const { primary, places, db, sentinels } = address
    return new Redis({
      ...{ ...common, ...login, db, name: primary, sentinels: places, retryStrategy },
      ...(sentinels.username && { sentinelUsername: sentinels.username }),
      ...(sentinels.password && { sentinelPassword: sentinels.password }),
      ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
      ...{ sentinelRetryStrategy: retryStrategy, sentinelCommandTimeout: 1_000, failoverDetector: true },
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    })
  }
  return openCluster(address.places, {
    ...{ redisOptions: { ...commonOptions(options), ...login }, lazyConnect, enableOfflineQueue: !refusesOffline },
    ...{ clusterRetryStrategy: retryStrategy, retryDelayOnClusterDown: refusesOffline ? 0 : 200 },
    timeoutMs: blocking ? undefined : commandTimeoutMs,
  })
}

const retryStrategy = (attempt: number) => Math.min(RETRY_MS_MAX, 50 * attempt)

function commonOptions({ name, blocking, commandTimeoutMs = 5_000 }: OpenOptions) {
  return {
    connectionName: name,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    ...(blocking ? { blockingTimeout: 60_000, blockingTimeoutGrace: 1_000 } : { commandTimeout: commandTimeoutMs }),
  } satisfies CommonRedisOptions
}

/** Whether an error from a connection proves that its command never left this process, so trying again is safe. */
export const wasNeverSent = (error: unknown) =>
  error instanceof Error &&
  (error.message.startsWith("Stream isn't writeable") || error.message.startsWith("Cluster isn't ready"))

/** Resolves when the connection can take a command; rejects after `deadlineMs`, or when it was closed for good. */
export const whenReady = untilReady
