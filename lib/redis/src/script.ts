import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** A Lua script that Redis runs in one step. */
export type Script = <Reply>(redis: Redis, keys: readonly string[], args: (string | number)[]) => Promise<Reply>

/**
 * Runs the script by its hash, and by its text where Redis does not know it (after a restart, on a new primary, on
 * another server of a Cluster), which also teaches it. `NOSCRIPT` says that nothing ran, so trying again cannot repeat
 * anything.
 */
export function script(text: string): Script {
  const sha = createHash('sha1').update(text).digest('hex')
  return async <Reply>(redis: Redis, keys: readonly string[], args: (string | number)[]) => {
    try {
      return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as Reply
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return (await redis.eval(text, keys.length, ...keys, ...args)) as Reply
    }
  }
}
