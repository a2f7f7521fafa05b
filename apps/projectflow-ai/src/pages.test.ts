import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { startOfflineChromium, type TestChromium } from '@santaclaude/testkit/chromium'
import axe from 'axe-core'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { type House, house as newHouse } from './app.fixture.ts'
import { neighbour } from './peers/neighbour/routes.ts'
import { type Peer, peerNames } from './peers/peer.ts'

// A test that runs out of time ends every child of the run, the browser included; a busy machine must not cause that.
setDefaultTimeout(60_000)

const chromiumPart = { works: true }
const parts: Partial<Record<Peer['name'], Record<string, { works: boolean }>>> = {
  'browser-pool-service': { redis: { works: true }, chromium: chromiumPart },
  'audit-sink-service': { redis: { works: true }, clickhouse: { works: true } },
}

let chromium: TestChromium
let servers: Bun.Server<undefined>[] = []
let house: House
let origin: string
let key: string
let context: BrowserContext | undefined

/** What a page did that it should not have: asked elsewhere, threw, or broke its own policy. */
let misdeeds: string[] = []

const serve = (app: { fetch(request: Request): Response | Promise<Response> }) => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => app.fetch(request) })
  servers.push(server)
  return `http://127.0.0.1:${server.port}`
}

beforeAll(async () => {
  chromium = await startOfflineChromium()
})
afterAll(() => chromium.close())

beforeEach(async () => {
  chromiumPart.works = true
  const { keys } = newHouse()
  const peers = peerNames.map((name) => ({
    name,
    url: serve(neighbour({ name, keys, parts: parts[name] ?? { redis: { works: true } } })),
  }))
  house = newHouse({ peers, keys })
  origin = serve(house.app)
  key = await house.keyWith(['projects:use', 'ai:invoke', 'keys:admin'])
  misdeeds = []
})
afterEach(async () => {
  await context?.close()
  for (const server of servers) await server.stop(true)
  servers = []
  expect(misdeeds).toEqual([])
})

async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  await context?.close()
  context = await chromium.browser.newContext({ baseURL: origin, reducedMotion: 'reduce', ...options })
  context.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) misdeeds.push(`asked ${request.url()}`)
  })
  const page = await context.newPage()
  page.on('pageerror', (error) => misdeeds.push(`threw ${error.message}`))
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) misdeeds.push(message.text())
  })
  await page.clock.install()
  await page.goto(path)
  return page
}

/** Time passes for the services' probes and for the page, which then reads itself again. */
async function later(page: Page) {
  house.clock.advance(5_001)
  await page.clock.runFor(5_001)
}
const state = (page: Page, service: string) => page.getAttribute(`[data-service="${service}"]`, 'data-state')
const words = async (page: Page) => (await page.textContent('main')) ?? ''

describe('the status page', () => {
  test('shows five services and three engines without the script', async () => {
    const page = await open('/', { javaScriptEnabled: false })
    expect(await page.locator('[data-service]').count()).toBe(5)
    expect(await page.locator('[data-engine][data-state="ready"]').count()).toBe(3)
    expect(await page.textContent('#summary')).toBe('All 5 services are ready.')
    expect(await page.locator('form:visible, button:visible').count()).toBe(0)
  })

  test('names what fails and what is away, in words', async () => {
    chromiumPart.works = false
    await servers[0]?.stop(true)
    const page = await open('/')
    expect(await page.title()).toStartWith('Not ready')
    expect(await page.textContent('#summary')).toBe('ai-service: no answer. browser-pool-service: not ready.')
    expect(await state(page, 'ai-service')).toBe('away')
    expect(await words(page)).toContain('Without: chromium')
    expect(await page.getAttribute('[data-engine="Chromium"]', 'data-state')).toBe('failing')
    expect(await page.getAttribute('[data-engine="Redis"]', 'data-state')).toBe('ready')
  })

  test('notices a change by itself, announces it, and stops when paused', async () => {
    const page = await open('/')
    chromiumPart.works = false
    await later(page)
    await page.waitForSelector('[data-service="browser-pool-service"][data-state="failing"]')
    expect(await page.textContent('#news')).toBe('browser-pool-service: not ready.')
    await page.click('#pause')
    chromiumPart.works = true
    await later(page)
    expect(await page.textContent('#live-words')).toStartWith('Paused')
    expect(await state(page, 'browser-pool-service')).toBe('failing')
    await page.click('#pause')
    await later(page)
    await page.waitForSelector('[data-service="browser-pool-service"][data-state="ready"]')
  })

  test('an open table is left alone while the rest goes on', async () => {
    const page = await open('/')
    await page.click('summary:has-text("browser-pool-service")')
    const rows = await page.locator('details[open] tbody tr').count()
    chromiumPart.works = false
    await later(page)
    await page.waitForSelector('[data-service="browser-pool-service"][data-state="failing"]')
    expect(await page.locator('details[open] tbody tr').count()).toBe(rows)
  })

  test('says so when the server stops answering, and keeps what it knew', async () => {
    const page = await open('/')
    await servers.at(-1)?.stop(true)
    await later(page)
    await page.waitForSelector('#live-words:has-text("No answer")')
    expect(await page.locator('[data-service]').count()).toBe(5)
  })

  test('shows queues live to a key, typed in by keyboard alone', async () => {
    await house.log.append({ tenant: 'acme', topic: 'orders' }, [event('1')], { create: true })
    await house.log.putGroup({ tenant: 'acme', topic: 'orders', group: 'billing' })
    const page = await open('/')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content')
    while (!(await page.evaluate(() => document.activeElement?.id === 'key'))) await page.keyboard.press('Tab')
    expect(await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)).toBe(
      'solid',
    )
    await page.keyboard.type(key)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#queue-rows tr:has-text("orders")')
    expect(await page.locator('#queue-rows tr').first().locator('td').allTextContents()).toEqual([
      '4',
      '1',
      'billing',
      '1',
      '0',
      '0',
    ])
    await house.log.append({ tenant: 'acme', topic: 'orders' }, [event('2'), event('3')])
    house.clock.advance(1_001)
    await page.waitForSelector('#queue-rows td:has-text("3")')
    expect(await page.locator('#key-form').isVisible()).toBe(false)
  })

  test('a refused key is refused in words, and a link with a key signs in and forgets the address', async () => {
    const page = await open('/')
    await page.fill('#key', `sc_${'x'.repeat(12)}_${'y'.repeat(32)}`)
    await page.click('#key-form button')
    await page.waitForSelector('#key-fault:has-text("A valid API key is needed")')
    const signedIn = await open(`/#key=${key}`)
    await signedIn.waitForSelector('#queues:visible')
    expect(signedIn.url()).toBe(`${origin}/`)
    expect(await stored(signedIn)).toBe('{}{}')
    await signedIn.click('#forget')
    expect(await signedIn.locator('#key-form').isVisible()).toBe(true)
  })
})

describe('the API explorer', () => {
  test.each(['projectflow-ai', ...peerNames])('renders every operation of %s with no network', async (name) => {
    const page = await open(`/swagger?urls.primaryName=${name}`)
    await page.waitForSelector('.opblock')
    expect(await page.textContent('.info .title')).toContain(name)
    const document = await (
      await fetch(`${origin}${name === 'projectflow-ai' ? '/swagger/json' : `/swagger/documents/${name}`}`)
    ).json()
    const operations = Object.values(document.paths as Record<string, object>).flatMap((path) => Object.keys(path))
    expect(operations.length).toBeGreaterThan(3)
    expect(await page.locator('.opblock').count()).toBe(operations.length)
    expect(await page.locator('.errors-wrapper').count()).toBe(0)
  })

  test('a key given once tries routes of two services, and is kept nowhere', async () => {
    const page = await open('/swagger?urls.primaryName=ai-service')
    await page.click('.auth-wrapper .authorize')
    await page.fill('.modal-ux input', key)
    await page.click('.modal-ux button[type=submit]')
    await page.click('.modal-ux .btn-done')
    for (const name of ['ai-service', 'message-queue-service']) {
      if (name !== 'ai-service') await page.selectOption('#select', { label: name })
      await page.waitForSelector(`.info .title:has-text("${name}")`)
      // Swagger UI keeps an operation open when the next document has the same one.
      if (name === 'ai-service') await page.click('.opblock:has-text("/v1/things/{id}") .opblock-summary-control')
      await page.fill('.opblock.is-open tr[data-param-name="id"] input', 'one')
      await page.click('.opblock.is-open .execute')
      // The answer of the service before stays in view until the new one is there.
      const answer = page.locator('.opblock.is-open .live-responses-table .highlight-code', {
        hasText: `"from": "${name}"`,
      })
      await answer.waitFor()
      expect(await answer.textContent()).toContain('"tenant": "acme"')
    }
    expect(await stored(page)).not.toContain('sc_')
  })
})

describe('both pages', () => {
  const looks: [string, BrowserContextOptions][] = [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['320 px wide', { viewport: { width: 320, height: 640 } }],
    ['forced colours', { forcedColors: 'active' }],
  ]

  test.each(looks)('have no WCAG A or AA violation that axe can find, %s', async (_, options) => {
    chromiumPart.works = false
    await house.log.append({ tenant: 'acme', topic: 'orders' }, [event('1')], { create: true })
    await house.log.putGroup({ tenant: 'acme', topic: 'orders', group: 'billing' })
    const status = await open(`/#key=${key}`, options)
    await status.waitForSelector('#queue-rows tr')
    await status.click('summary:has-text("browser-pool-service")')
    expect(await violations(status)).toEqual([])
    expect(await violations(await open('/', options))).toEqual([])
    const explorer = await open('/swagger', options)
    await explorer.waitForSelector('.opblock')
    expect(await violations(explorer, wcag)).toEqual([])
  })

  test.each(['/', '/swagger'])('%s fits a width of 320 px without scrolling sideways', async (path) => {
    const page = await open(path, { viewport: { width: 320, height: 640 } })
    if (path === '/swagger') await page.waitForSelector('.opblock')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
  })

  test.each(['/', '/swagger'])('%s runs no inline script and may be framed by nobody', async (path) => {
    const policy = (await fetch(`${origin}${path}`)).headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    const page = await open(path)
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script')
      script.textContent = 'window.ran = true'
      document.head.append(script)
      return 'ran' in window
    })
    expect(ran).toBe(false)
    expect(misdeeds.splice(0).join()).toContain('Content Security Policy')
  })
})

const event = (id: string) => ({ id, source: '/test', type: 'order.made' })
const stored = (page: Page) =>
  page.evaluate(() => JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie)

const wcag = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** Violations outside Swagger UI's own markup, which is not ours to mend and brings landmarks of its own. */
async function violations(page: Page, rules = [...wcag, 'best-practice']) {
  await page.evaluate(axe.source)
  return page.evaluate(async (runOnly) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run({ exclude: ['#swagger-ui'] }, { runOnly })
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .join(' ')
          .slice(0, 300)}`,
    )
  }, rules)
}
