import { pause } from '@santaclaude/kit/deadline'
import { Cluster, type Command, type Redis } from 'ioredis'
import type { Place } from './address.ts'

/** How often the map of slots is asked for when nothing is wrong, in milliseconds. A moved slot is learnt at once. */
const MAP_MS = 5_000
const RETRY_MS = 50

type BoundedOptions = NonNullable<ConstructorParameters<typeof Cluster<'legacy'>>[1]>

/**
 * A Cluster under the same rules as one server: nothing is sent twice, everything has a deadline. ioredis itself would
 * send a command again whose connection broke, and would keep what it was given while no node answers without a limit.
 */
class BoundedCluster extends Cluster {
  constructor(
    places: Place[],
    options: BoundedOptions,
    private readonly timeoutMs: number | undefined,
  ) {
    super(places, options)
  }

  override sendCommand(...[command, stream, node]: Parameters<Cluster['sendCommand']>): unknown {
    const waiting = command as Command & { isSettled: boolean; setTimeout(ms: number): void }
    // It waited for the Cluster, and its caller was told meanwhile that it failed: then it must not happen.
    if (waiting.isSettled) return command.promise
    if (this.timeoutMs !== undefined) waiting.setTimeout(this.timeoutMs)
    return super.sendCommand(command, stream, node)
  }
}

/** A Cluster behind the face of one server: commands go where their keys are. A script's keys must share a hash tag. */
export function openCluster(places: Place[], options: BoundedOptions & { timeoutMs: number | undefined }): Redis {
  const { timeoutMs, ...rest } = options
  const bounded = {
    ...rest,
    // A command whose connection broke may have been done.
    retryDelayOnFailover: 0,
    slotsRefreshInterval: MAP_MS,
  }
  // `Redis` and `Cluster` share every command; what only one of them has is used in this file alone.
  return new BoundedCluster(places, bounded, timeoutMs) as unknown as Redis
}

const asCluster = (redis: unknown): Cluster | undefined => (redis instanceof Cluster ? redis : undefined)

/**
 * The connection to the server that holds a key now, ready for commands: for what must be asked of that very server
 * (`INFO`, `WAIT`). With one server it is that one. Rejects after `deadlineMs`.
 */
export async function serverOf(redis: Redis, key: string, deadlineMs: number): Promise<Redis> {
  const endMs = performance.now() + deadlineMs
  const leftMs = () => endMs - performance.now()
  await untilReady(redis, deadlineMs)
  const cluster = asCluster(redis)
  if (!cluster) return redis
  for (;;) {
    const primary = primaryOf(cluster, key)
    // A primary that does not answer is not waited for alone: another may take its place meanwhile.
    const isThere = primary && (await untilReady(primary, Math.min(leftMs(), 4 * RETRY_MS)).then(yes, no))
    if (isThere && primaryOf(cluster, key) === primary) return primary
    if (leftMs() <= 0) throw new Error(`The server of a slot was not reachable for ${deadlineMs} ms`)
    cluster.refreshSlotsCache()
    await pause(RETRY_MS)
  }
}

/** The connection that commands on this key are sent on, when there is one; it may not be ready. */
export function primaryNow(redis: Redis, key: string): Redis | undefined {
  const cluster = asCluster(redis)
  return cluster ? primaryOf(cluster, key) : redis
}

function primaryOf(cluster: Cluster, key: string): Redis | undefined {
  const place = cluster.slots[slotOf(key)]?.[0]
  return cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === place)
}

const yes = () => true
const no = () => false

/** Resolves when the connection can take a command; rejects after `deadlineMs`, or when it was closed for good. */
export function untilReady(redis: Redis, deadlineMs: number): Promise<void> {
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

/**
 * The slot of a key on a Redis Cluster: CRC16 (XMODEM) of its hash tag, or of all of it, modulo 16384. Source: the
 * Redis Cluster specification, "Key distribution model".
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of new TextEncoder().encode(hashed)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc % 16_384
}
