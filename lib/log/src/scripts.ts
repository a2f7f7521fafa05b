import { script } from '@santaclaude/redis/script'
import type { Redis } from 'ioredis'
import ahead from './scripts/ahead.lua' with { type: 'text' }
import append from './scripts/append.lua' with { type: 'text' }
import books from './scripts/books.lua' with { type: 'text' }
import checkpoint from './scripts/checkpoint.lua' with { type: 'text' }
import claim from './scripts/claim.lua' with { type: 'text' }
import close from './scripts/close.lua' with { type: 'text' }
import delay from './scripts/delay.lua' with { type: 'text' }
import drained from './scripts/drained.lua' with { type: 'text' }
import due from './scripts/due.lua' with { type: 'text' }
import expire from './scripts/expire.lua' with { type: 'text' }
import find from './scripts/find.lua' with { type: 'text' }
import floor from './scripts/floor.lua' with { type: 'text' }
import group from './scripts/group.lua' with { type: 'text' }
import held from './scripts/held.lua' with { type: 'text' }
import line from './scripts/line.lua' with { type: 'text' }
import lost from './scripts/lost.lua' with { type: 'text' }
import open from './scripts/open.lua' with { type: 'text' }
import own from './scripts/own.lua' with { type: 'text' }
import promote from './scripts/promote.lua' with { type: 'text' }
import redrive from './scripts/redrive.lua' with { type: 'text' }
import redriveTo from './scripts/redrive-to.lua' with { type: 'text' }
import seal from './scripts/seal.lua' with { type: 'text' }
import seek from './scripts/seek.lua' with { type: 'text' }
import seen from './scripts/seen.lua' with { type: 'text' }
import settle from './scripts/settle.lua' with { type: 'text' }
import skip from './scripts/skip.lua' with { type: 'text' }
import swap from './scripts/swap.lua' with { type: 'text' }
import tried from './scripts/tried.lua' with { type: 'text' }
import trim from './scripts/trim.lua' with { type: 'text' }
import ungroup from './scripts/ungroup.lua' with { type: 'text' }
import unlock from './scripts/unlock.lua' with { type: 'text' }

const texts = {
  append: seen + append,
  delay: seen + delay,
  ...{ books, checkpoint, claim, close, drained, find, floor, group, held, lost, open, own, promote, redriveTo },
  ...{ seal, seek, swap, trim, ungroup, unlock },
  // These know the line of a group that orders.
  ...{ ahead: line + ahead, due: line + due, expire: line + tried + expire, redrive: line + redrive },
  ...{ settle: line + tried + settle, skip: line + skip },
}
export type ScriptName = keyof typeof texts

const scripts = new Map(Object.entries(texts).map(([name, text]) => [name, script(text)]))

/** Runs one of `scripts/*.lua`. */
export function runScript<Reply>(
  redis: Redis,
  name: ScriptName,
  keys: readonly string[],
  args: (string | number)[],
): Promise<Reply> {
  const run = scripts.get(name)
  if (!run) throw new Error(`there is no script ${name}`)
  return run<Reply>(redis, keys, args)
}
