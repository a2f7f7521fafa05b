import { afterAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { chromium } from 'playwright-core'
import { contractCases, type OpenApiDocument, operationsOf } from './cases.ts'
import { serviceNames } from './in-process.ts'
import { wholeStack } from './whole-stack.ts'

const whole = await wholeStack()
afterAll(() => whole.close())

/** Sends raw bytes and answers the first line that comes back. */
const raw = (name: string, bytes: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(whole.url(name)).port), '127.0.0.1', () => socket.write(bytes))
    socket.once('data', (data) => {
      resolve(data.toString().split('\r\n')[0] ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })

for (const name of serviceNames()) {
  const target = whole.target(name)
  const document = (await (await target.send('/swagger/json')).json()) as OpenApiDocument

  describe(`${name} on real engines`, () => {
    for (const { name: promise, run } of contractCases(target, document)) test(promise, run)

    test('trap 1: a short Host header opens no door', async () => {
      expect(await raw(name, 'GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(' 401 ')
      expect(await raw(name, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(' 200 ')
    })

    test('a header of 100 kB gets 431 as a problem', async () => {
      const response = await target.send('/health', { headers: { 'x-big': 'a'.repeat(100_000) } })
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([431, 'headers_too_large'])
    })

    test('a key of another tenant finds none of this tenant’s things', async () => {
      const foreign = await whole.newKey(
        ['audit:read', 'events:consume', 'browser:use', 'ai:invoke', 'keys:admin'],
        'other',
      )
      for (const { method, path } of operationsOf(document).filter((operation) => operation.method === 'GET')) {
        if (path.includes('{') || path.endsWith('/stream')) continue
        const response = await target.send(path, { method, headers: { authorization: `Bearer ${foreign}` } })
        const text = await response.text()
        expect(text).not.toContain('"default"')
      }
    })
  })
}

test('trap 11: Swagger UI of every service renders every operation with the network blocked', async () => {
  const found = await ensureChromium({ path: process.env.CHROMIUM_PATH, unpackDir: join(tmpdir(), 'sc-chromium') })
  const browser = await chromium.launch({
    executablePath: found.path,
    env: { ...process.env, ...found.env },
    args: ['--no-sandbox'],
  })
  try {
    for (const name of serviceNames()) {
      const page = await browser.newPage()
      const outside: string[] = []
      await page.route('**', (route) => {
        if (new URL(route.request().url()).hostname === '127.0.0.1') return route.continue()
        outside.push(route.request().url())
        return route.abort()
      })
      const problems: string[] = []
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('console', (line) => line.type() === 'error' && problems.push(line.text()))
      await page.goto(`${whole.url(name)}/swagger`)
      await page.waitForSelector('.opblock')
      const document = (await (await fetch(`${whole.url(name)}/swagger/json`)).json()) as OpenApiDocument
      if (name !== 'projectflow-ai') {
        const operations = Object.values(document.paths).flatMap((methods) => Object.keys(methods)).length
        expect([name, await page.locator('.opblock').count()]).toEqual([name, operations])
      }
      expect({ name, outside, problems }).toEqual({ name, outside: [], problems: [] })
      await page.close()
    }
  } finally {
    await browser.close()
  }
}, 120_000)
