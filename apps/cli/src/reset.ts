import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { runningRedisPort } from '@santaclaude/engines/redis-server'
import { CliError, exitCodes, type Verb } from './context.ts'

/** Clears the state folder after asking once; `--yes` answers beforehand. */
export const reset: Verb = async ({ dataDir, root, isTty, say }, words) => {
  const name = `${relative(root, dataDir) || dataDir}/`
  if (!existsSync(dataDir)) {
    say(`There is no ${name}; nothing to clear.`)
    return exitCodes.ok
  }
  if (runningRedisPort(join(dataDir, 'redis')))
    throw new CliError('failed', `${name} is in use: stop \`bun run dev\` first.`)
  if (!words.includes('--yes')) {
    if (!isTty) throw new CliError('usage', `This clears ${name} for good. Say so: bun run reset --yes`)
    if (!/^y(es)?$/i.test(prompt(`Clear ${name} - keys, events, audit records, logs - for good? [y/N]`) ?? '')) {
      say('Nothing was cleared.')
      return exitCodes.ok
    }
  }
  rmSync(dataDir, { recursive: true, force: true })
  say(`Cleared ${name}`)
  return exitCodes.ok
}
