import { openRedis } from '@santaclaude/redis/open'
import type { Redis } from 'ioredis'

/** The connections of a log. They are apart so that nothing that takes its time stands before an append. */
export interface Connections {
  /** Refuses offline: an append is either sent now or certainly not sent. */
  appends: Redis
  /** Refuses offline, too; waits for replicas and disk. */
  sureAppends: Redis
  commands: Redis
  /** Subscribed to the bells. */
  bells: Redis
}

/** Connections to one Redis; each connects when it is first needed. */
export const openConnections = (redisUrl: string): Connections => ({
  appends: openRedis(redisUrl, { name: 'log-appends', refusesOffline: true, lazy: true }),
  sureAppends: openRedis(redisUrl, { name: 'log-sure-appends', refusesOffline: true, lazy: true }),
  commands: openRedis(redisUrl, { name: 'log-commands', lazy: true }),
  bells: openRedis(redisUrl, { name: 'log-bells', blocking: true, lazy: true }),
})
