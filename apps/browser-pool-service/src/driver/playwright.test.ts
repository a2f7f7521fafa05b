import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { driverConformance } from './conformance.ts'
import { playwrightDriver } from './playwright.ts'

driverConformance('playwright', async () => {
  const scratchDir = mkdtempSync(join(tmpdir(), 'sc-driver-'))
  const { path, env } = await ensureChromium({ unpackDir: scratchDir })
  return playwrightDriver(async () => ({
    path,
    env,
    isSandboxed: process.getuid?.() !== 0,
    scratchDir,
    resolverRules: '',
  }))
})
