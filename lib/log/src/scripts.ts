import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import append from './scripts/append.lua' with { type: 'text' }
import checkpoint from './scripts/checkpoint.lua' with { type: 'text' }
import close from './scripts/close.lua' with { type: 'text' }
import due from './scripts/due.lua' with { type: 'text' }
import expire from './scripts/expire.lua' with { type: 'text' }
import group from './scripts/group.lua' with { type: 'text' }
import open from './scripts/open.lua' with { type: 'text' }
import own from './scripts/own.lua' with { type: 'text' }
import settle from './scripts/settle.lua' with { type: 'text' }
import trim from './scripts/trim.lua' with { type: 'text' }
import ungroup from './scripts/ungroup.lua' with { type: 'text' }

const texts = { append, checkpoint, close, due, expire, group, open, own, settle, trim, ungroup }
export type ScriptName = keyof typeof texts

const scripts = new Map(
  Object.entries(texts).map(([name, text]) => [name, { text, sha: createHash('sha1').update(text).digest('hex') }]),
)

/**
 * Runs one of `scripts/*.lua` by its hash, loading it where Redis does not know it (after a restart, on a new primary).
 * `NOSCRIPT` says that nothing ran, so trying again cannot repeat anything.
 */
export async function runScript<Reply>(
  redis: Redis,
  name: ScriptName,
  keys: readonly string[],
  args: (string | number)[],
): Promise<Reply> {
  const script = scripts.get(name)
  if (!script) throw new Error(`there is no script ${name}`)
  try {
    return (await redis.evalsha(script.sha, keys.length, ...keys, ...args)) as Reply
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    await redis.script('LOAD', script.text)
    return (await redis.evalsha(script.sha, keys.length, ...keys, ...args)) as Reply
  }
}
