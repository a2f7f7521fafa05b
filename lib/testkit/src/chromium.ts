import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import type { Browser } from 'playwright-core'

/** A real Chromium for one test file. */
export interface TestChromium {
  browser: Browser
  close(): Promise<void>
}

/**
 * Starts the machine's Chromium (or the one from npm) with the network taken away: only 127.0.0.1 can be reached, every
 * name fails to resolve. A page that needs anything from elsewhere then shows it.
 */
export async function startOfflineChromium(): Promise<TestChromium> {
  const dir = mkdtempSync(join(tmpdir(), 'sc-chromium-'))
  const { path, env } = await ensureChromium({ unpackDir: dir })
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({
    executablePath: path,
    env,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  })
  return {
    browser,
    close: async () => {
      await browser.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
