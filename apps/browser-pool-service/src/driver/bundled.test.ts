import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { playwrightDriver } from './playwright.ts'

const deadlineMs = 30_000

test('the Chromium from npm shows a page with text in many scripts and with form controls', async () => {
  const scratchDir = mkdtempSync(join(tmpdir(), 'sc-bundled-'))
  const { path, env } = await ensureChromium({ unpackDir: join(scratchDir, 'engines'), candidates: [] })
  const isSandboxed = process.getuid?.() !== 0
  const driver = playwrightDriver(async () => ({ path, env, isSandboxed, scratchDir, resolverRules: '' }))
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response(
        '<style>p{font:16px Georgia,system-ui,serif}</style><p>Tea – 茶 – चाय – 42 €</p><input type=search><select><option>1</select>',
        {
          headers: { 'content-type': 'text/html; charset=utf-8' },
        },
      ),
  })
  const browser = await driver.launch({ deadlineMs })
  try {
    const page = await (await browser.newContext({ deadlineMs })).newPage({ deadlineMs })
    expect(await page.navigate(`http://127.0.0.1:${server.port}/`, { until: 'load', deadlineMs })).toEqual({
      status: 200,
    })
    expect((await page.snapshot({ deadlineMs, charsMax: 10_000 })).text).toContain('Tea – 茶 – चाय – 42 €')
    const picture = await page.screenshot({ type: 'png', fullPage: false, quality: 80, deadlineMs })
    expect(Buffer.from(picture).subarray(1, 4).toString()).toBe('PNG')
  } finally {
    await browser.close({ deadlineMs })
    await server.stop(true)
    rmSync(scratchDir, { recursive: true, force: true })
  }
}, 60_000)
