import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { startOfflineChromium, type TestChromium } from '@santaclaude/testkit/chromium'
import axe from 'axe-core'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { house } from '../app.fixture.ts'

setDefaultTimeout(60_000)

let chromium: TestChromium
let servers: Bun.Server<undefined>[] = []
let context: BrowserContext | undefined
let origin = ''
let key = ''
/** What the page asked of message-queue-service, beyond reading. */
let acts: { path: string; body: { dryRun?: boolean; types?: string[] }; idempotencyKey: string | null }[] = []
let misdeeds: string[] = []
let dead = 2

const hostile = '<img src=x onerror=alert(1)>'
const letter = (n: number) => ({
  ...{ id: `0.${n}-0`, partition: 0, streamId: `${n}-0`, deliveries: 5, reason: `timeout ${hostile}` },
  ...{
    deadAt: '2026-01-02T03:04:05.000Z',
    event: { id: `0199d3c0-6f5e-7c1a-9b2f-6f1f3f9f8a1${n}`, type: 'shop.order.placed' },
  },
})

/** message-queue-service as this page meets it: its answers, in the shapes of its document. */
async function bus(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const path = pathname.replace('/v1/topics', '')
  const lag = { events: 1_041, seconds: 12.5, ready: 1_000, leased: 40, parked: 1, dead }
  if (request.method === 'POST') {
    const body = (await request.json()) as (typeof acts)[number]['body']
    acts.push({ path, body, idempotencyKey: request.headers.get('idempotency-key') })
    if (body.dryRun) return Response.json({ count: dead, isCountComplete: true, sample: [letter(1)].slice(0, dead) })
    return Response.json({ redrive: 'r1', state: 'running', moved: 1, ratePerSecond: 100 }, { status: 202 })
  }
  if (path === '') return Response.json({ topics: [{ topic: 'orders' }, { topic: 'quiet' }] })
  if (path.endsWith('/redrives/r1')) {
    dead = 0
    return Response.json({ redrive: 'r1', state: 'done', moved: 2, ratePerSecond: 100 })
  }
  if (path.endsWith('/lag')) return Response.json(lag)
  if (path.endsWith('/dead-letters')) return Response.json({ deadLetters: [letter(1), letter(2)].slice(0, dead) })
  if (path === '/orders/groups') return Response.json({ groups: [{ topic: 'orders', group: 'billing', paused: true }] })
  if (path === '/quiet/groups') return Response.json({ groups: [] })
  if (path.endsWith('/trace'))
    return Response.json({
      ...{ id: 'x', type: 'shop.order.placed', partition: 0, streamId: '1-0', publishedAt: '2026-01-02T03:04:05.000Z' },
      groups: [
        {
          ...{ group: 'billing', state: 'dead', deliveries: 5, reason: 'timeout' },
          attempts: [
            { at: '2026-01-02T03:04:06.000Z', deliveries: 1, outcome: 'nacked', latencyMs: 1_000, reason: hostile },
          ],
        },
        { group: 'mail', state: 'settled', attempts: [] },
      ],
    })
  if (path === '/orders' || path === '/quiet') return Response.json({ topic: path.slice(1), events: 12_345 })
  return Response.json({ detail: 'There is no such thing.' }, { status: 404 })
}

const serve = (fetch: (request: Request) => Response | Promise<Response>) => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch })
  servers.push(server)
  return `http://127.0.0.1:${server.port}`
}

beforeAll(async () => {
  chromium = await startOfflineChromium()
})
afterAll(() => chromium.close())
beforeEach(async () => {
  dead = 2
  acts = []
  misdeeds = []
  const front = house({ peers: [{ name: 'message-queue-service', url: serve(bus) }] })
  origin = serve((request) => front.app.fetch(request))
  key = await front.keyWith(['events:consume', 'events:admin'])
})
afterEach(async () => {
  await context?.close()
  for (const server of servers) await server.stop(true)
  servers = []
  expect(misdeeds).toEqual([])
})

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  context = await chromium.browser.newContext({ baseURL: origin, reducedMotion: 'reduce', ...options })
  context.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) misdeeds.push(`asked ${request.url()}`)
  })
  context.setDefaultTimeout(6_000)
  const page = await context.newPage()
  page.on('pageerror', (error) => misdeeds.push(`threw ${error.message}`))
  page.on('dialog', () => misdeeds.push('opened a dialog'))
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) misdeeds.push(message.text())
  })
  await page.goto('/events')
  return page
}

async function signedIn(options: BrowserContextOptions = {}) {
  const page = await open(options)
  await page.fill('#key', key)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#topic-rows tr:has-text("billing")')
  return page
}

test('without the script there is HTML that says how to ask', async () => {
  const page = await open({ javaScriptEnabled: false })
  expect(await page.textContent('h1')).toBe('Events')
  expect(await page.textContent('noscript')).toContain('curl')
  expect(await page.locator('form:visible, button:visible').count()).toBe(0)
})

test('a key shows topics, groups, lag in events and seconds, what is pending and dead, and is kept nowhere', async () => {
  const page = await signedIn()
  const cells = page.locator('#topic-rows tr').first().locator('th, td')
  expect(await cells.allTextContents()).toEqual(['orders', '12,345', 'billing paused', '1,041', '12.5', '41', '2'])
  expect(await page.locator('#topic-rows tr').nth(1).textContent()).toContain('none reads it')
  expect(
    await page.evaluate(() => JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie),
  ).toBe('{}{}')
  await page.click('#forget')
  expect(await page.locator('#events').isVisible()).toBe(false)
  expect(await page.locator('#topic-rows tr').count()).toBe(0)
})

test('dead letters move only after a preview of the same choice, by keyboard alone', async () => {
  const page = await signedIn()
  await page.focus('#topic-rows button')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#letter-rows tr:nth-child(2)')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('letters-title')
  expect(await page.textContent('#letter-rows')).toContain(hostile)
  expect(await page.locator('#redrive').isVisible()).toBe(false)
  await page.focus('#which-types')
  await page.keyboard.type('shop.*')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#redrive:has-text("Move 2 now")')
  expect(await page.textContent('#redrive-words')).toStartWith('Nothing was moved.')
  await page.fill('#which-reason', 'time')
  expect(await page.locator('#redrive').isVisible()).toBe(false)
  expect(acts.every(({ body }) => body.dryRun)).toBe(true)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#redrive:visible')
  await page.focus('#redrive')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#redrive-words:has-text("Moved 2. The redrive is done.")')
  expect(acts.at(-1)).toMatchObject({
    ...{ path: '/orders/groups/billing/dead-letters/redrive', body: { types: ['shop.*'], reason: 'time' } },
    idempotencyKey: expect.any(String),
  })
  await page.waitForSelector('#letters-caption:has-text("None is left.")')
})

test('one event is traced through every group, from its dead letter or by its id', async () => {
  const page = await signedIn()
  await page.click('#topic-rows button')
  await page.click('#letter-rows tr:first-child button')
  await page.waitForSelector('#trace-rows tr:nth-child(2)')
  const text = (await page.textContent('#trace-rows')) ?? ''
  expect(text).toContain(`nacked: ${hostile}`)
  expect(text).toContain('settled')
  await page.fill('#trace-topic', 'nowhere')
  await page.fill('#trace-id', 'x')
  expect(await page.inputValue('#trace-topic')).toBe('nowhere')
})

test('a refused key and a service that is away are said in words', async () => {
  const page = await open()
  await page.fill('#key', `sc_${'x'.repeat(12)}_${'y'.repeat(32)}`)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#key-fault:has-text("A valid API key is needed")')
  await servers[0]?.stop(true)
  await page.fill('#key', key)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#key-fault:has-text("message-queue-service")')
})

const looks: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 320, height: 800 } }],
]
test.each(looks)('the page keeps to WCAG and does not scroll sideways: %s', async (_, options) => {
  const page = await signedIn(options)
  await page.click('#topic-rows button')
  await page.click('#which-form button')
  await page.waitForSelector('#redrive:visible')
  await page.click('#letter-rows button')
  await page.waitForSelector('#trace-rows tr')
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } }
    return (await axe.run()).violations.map(({ id }) => id)
  })
  expect(found).toEqual([])
})
