import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { ensureRedisServer } from '@santaclaude/engines/redis-install'

/** Brings what the tests need and the machine lacks; fails with a message that says what to run. */
export async function ensureEngines(say: (line: string) => void): Promise<void> {
  await ensureRedisServer(say)
  const unpackDir = join(import.meta.dir, '../../.data/chromium')
  await ensureChromium({ path: process.env.CHROMIUM_PATH, unpackDir })
}
