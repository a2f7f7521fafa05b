import type { Frame, Locator, Page, Request } from 'playwright-core'
import { bounded } from './failure.ts'
import {
  type Action,
  type DriverPage,
  refForm,
  type ScreenshotOptions,
  type Snapshot,
  type Target,
  type Wait,
} from './page.ts'
import { DriverError } from './port.ts'

/** Chromium paints no taller texture than this. */
const pixelsMax = 16_384
const areaMax = 40_000_000

/** One page of Chromium. Each method races its own deadline; Playwright's is a little shorter, for it knows the reason. */
export function playwrightPage(page: Page): DriverPage {
  const state = { isCrashed: false, document: 1 }
  page.on('crash', () => {
    state.isCrashed = true
  })
  // A new document forgets the refs of the old one and counts from e1 again. The number in our refs tells them apart.
  page.on('domcontentloaded', () => {
    state.document++
  })
  const run = <T>(deadlineMs: number, what: string, work: () => Promise<T>): Promise<T> => {
    if (state.isCrashed) return Promise.reject(new DriverError('crashed', 'the page crashed'))
    return bounded(deadlineMs, what, work())
  }
  const at = (target: Target) => locate(page, target, state.document)

  return {
    get url() {
      return page.url()
    },
    get isCrashed() {
      return state.isCrashed
    },
    navigate: (url, { until, deadlineMs }) =>
      run(deadlineMs, 'the navigation', async () => {
        const response = await goto(page, url, { waitUntil: until, timeout: slightlyLess(deadlineMs) })
        return response ? { status: response.status() } : {}
      }),
    act: (action, { deadlineMs }) =>
      run(deadlineMs, `the ${action.action}`, async () => {
        const startedMs = performance.now()
        const navigation = watchNavigation(page)
        try {
          await act(page, action, { at, deadlineMs: slightlyLess(deadlineMs) })
          const leftMs = deadlineMs - (performance.now() - startedMs)
          return { isSettled: await settled(page, navigation, Math.max(1, leftMs - 100)) }
        } finally {
          navigation.stop()
        }
      }),
    wait: (wait, { deadlineMs }) =>
      run(deadlineMs, 'the wait', () => waitFor(page, wait, { at, deadlineMs: slightlyLess(deadlineMs) })),
    evaluate: (expression, { deadlineMs, bytesMax }) =>
      run(deadlineMs, 'the script', () => evaluated(page, expression, bytesMax)),
    title: ({ deadlineMs }) => run(deadlineMs, 'reading the title', () => page.title()),
    snapshot: ({ deadlineMs, charsMax }) =>
      run(deadlineMs, 'the snapshot', () => snapshot(page, state, { charsMax, deadlineMs: slightlyLess(deadlineMs) })),
    screenshot: (options) => run(options.deadlineMs, 'the screenshot', () => screenshot(page, at, options)),
    pdf: ({ deadlineMs, format, landscape }) =>
      run(deadlineMs, 'the PDF', () => page.pdf({ format, landscape, printBackground: true })),
    onClosed: (listener) => {
      page.once('close', listener)
    },
    close: async ({ deadlineMs }) => {
      await bounded(deadlineMs, 'closing a page', page.close()).catch(() => {})
    },
  }
}

const slightlyLess = (deadlineMs: number) => Math.max(1, deadlineMs - Math.min(500, deadlineMs / 5))

/**
 * Chromium reports a failed navigation before it shows the page that says so, and that page would take the place of a
 * navigation begun meanwhile. So a failed one is over when its error page is there.
 */
async function goto(page: Page, url: string, options: Parameters<Page['goto']>[1]): ReturnType<Page['goto']> {
  try {
    return await page.goto(url, options)
  } catch (error) {
    if (/net::ERR_(?!ABORTED)/.test(String(error)))
      await page
        .waitForURL(({ protocol }) => protocol === 'chrome-error:', { waitUntil: 'commit', timeout: 5_000 })
        .catch(() => {})
    throw error
  }
}

type At = (target: Target) => Promise<Locator>

async function locate(page: Page, target: Target, document: number): Promise<Locator> {
  if ('selector' in target) return page.locator(`css=${target.selector}`)
  if ('role' in target)
    return page.getByRole(target.role as Parameters<Page['getByRole']>[0], {
      ...(target.name !== undefined && { name: target.name, exact: true }),
    })
  const [, seenIn, element] = refForm.exec(target.ref) ?? []
  if (!element) throw new DriverError('bad_target', 'a ref looks like d1e5; take it from a snapshot')
  const locator = page.locator(`aria-ref=${element}`)
  // Playwright would wait for a ref that is gone until its deadline, though no ref ever comes back.
  if (Number(seenIn) !== document || (await locator.count()) === 0)
    throw new DriverError('stale_ref', 'the element of this ref is no longer in the page')
  return locator
}

async function act(page: Page, action: Action, { at, deadlineMs }: { at: At; deadlineMs: number }): Promise<void> {
  const locator = action.target && (await at(action.target))
  const timeout = deadlineMs
  try {
    if (!locator) await page.keyboard.press(action.action === 'press' ? action.key : '')
    else if (action.action === 'click') await locator.click({ clickCount: action.clicks, timeout })
    else if (action.action === 'press') await locator.press(action.key, { timeout })
    else if (action.action === 'select') await locator.selectOption(action.values, { timeout })
    else await type(page, locator, action, timeout)
  } catch (error) {
    if (locator && (await isAbsent(locator))) throw new DriverError('no_element', 'no element fits this target', error)
    throw error
  }
}

async function type(
  page: Page,
  locator: Locator,
  { text, append, submit }: Extract<Action, { action: 'type' }>,
  timeout: number,
): Promise<void> {
  if (append) {
    await locator.press('End', { timeout })
    await page.keyboard.insertText(text)
  } else await locator.fill(text, { timeout })
  if (submit) await locator.press('Enter', { timeout })
}

const isAbsent = (locator: Locator) =>
  bounded(450, 'counting', locator.count()).then(
    (count) => count === 0,
    () => false,
  )

interface Navigation {
  /** Resolves once the main frame's navigation that began since the watch did has its document, or came to nothing. */
  readonly committed: Promise<void> | undefined
  stop(): void
}

function watchNavigation(page: Page): Navigation {
  const main = page.mainFrame()
  let begun: Request | undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  const onRequest = (request: Request) => {
    if (request.isNavigationRequest() && request.frame() === main) begun = request
  }
  const onNavigated = (frame: Frame) => {
    // A change of the address within the old document is not what was begun.
    if (frame === main && begun) resolve()
  }
  const onFailed = (request: Request) => {
    if (request === begun) resolve()
  }
  page.on('request', onRequest)
  page.on('framenavigated', onNavigated)
  page.on('requestfailed', onFailed)
  return {
    get committed() {
      return begun && promise
    },
    stop: () => {
      page.off('request', onRequest)
      page.off('framenavigated', onNavigated)
      page.off('requestfailed', onFailed)
    },
  }
}

/** An act is over when the document it led to is there, but is not held up longer than this for it. */
const settleMsMax = 5_000

/** Whether the document that an act led to, if any, was there in time. The act itself is done already. */
async function settled(page: Page, navigation: Navigation, leftMs: number): Promise<boolean> {
  const deadlineMs = Math.min(leftMs, settleMsMax)
  const settling = async () => {
    // One turn of the page's own loop: a click only queues the navigation it causes.
    await page.evaluate('new Promise((done) => setTimeout(done))').catch(() => {})
    if (!navigation.committed) return
    await navigation.committed
    await page.waitForLoadState('domcontentloaded', { timeout: deadlineMs })
  }
  return bounded(deadlineMs, 'settling', settling()).then(
    () => true,
    () => false,
  )
}

async function waitFor(page: Page, wait: Wait, { at, deadlineMs }: { at: At; deadlineMs: number }): Promise<void> {
  const timeout = deadlineMs
  if (wait.for === 'text') {
    const seen = page.getByText(wait.text).filter({ visible: true }).first()
    await seen.waitFor({ state: wait.isGone ? 'hidden' : 'visible', timeout })
  } else if (wait.for === 'element') {
    const locator = await at(wait.target)
    await locator.first().waitFor({ state: wait.state, timeout })
  } else if (wait.for === 'url') {
    await page.waitForURL((url) => url.href.includes(wait.contains), { waitUntil: 'commit', timeout })
  } else await page.waitForLoadState(wait.for, { timeout })
}

/**
 * Runs in the page's own world, so its answer is only the page's word: the size is measured there, to keep a huge value
 * from travelling, and again here.
 */
async function evaluated(page: Page, expression: string, bytesMax: number): Promise<unknown> {
  const text: unknown = await page
    .evaluate(
      `(async () => {
        const made = (${expression}\n);
        const value = await (typeof made === 'function' ? made() : made);
        const text = JSON.stringify(value);
        return text === undefined ? null : text.length > ${bytesMax} ? text.length : text;
      })()`,
    )
    .catch((error) => {
      throw scriptError(error)
    })
  if (text === null) return null
  if (typeof text !== 'string' || new TextEncoder().encode(text).length > bytesMax)
    throw new DriverError('too_large', `the result is larger than ${bytesMax} bytes of JSON`)
  return JSON.parse(text)
}

/** The script is the caller's own, so it may see the first line of what it threw; a lost page is not the script's doing. */
function scriptError(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error)
  if (/has been closed|Target (closed|crashed)|Page crashed|Execution context was destroyed/.test(text)) return error
  const said = text.replace(/^(page\.)?evaluate: /, '').split('\n')[0] ?? ''
  return new DriverError('script', `the script failed: ${said.slice(0, 300)}`, error)
}

async function snapshot(
  page: Page,
  state: { document: number },
  { charsMax, deadlineMs }: { charsMax: number; deadlineMs: number },
): Promise<Snapshot> {
  for (let attempt = 0; ; attempt++) {
    const { document } = state
    const [raw, title] = await Promise.all([page.ariaSnapshot({ mode: 'ai', timeout: deadlineMs }), page.title()])
    // The document changed under our hands: the refs may belong to either, so look again.
    if (document !== state.document && attempt < 3) continue
    const text = raw.replaceAll(/\[ref=((?:f\d+)?e\d+)\]/g, `[ref=d${document}$1]`)
    const end = text.length <= charsMax ? text.length : Math.max(0, text.lastIndexOf('\n', charsMax))
    return { url: page.url(), title, text: text.slice(0, end), isTruncated: end < text.length }
  }
}

async function screenshot(
  page: Page,
  at: At,
  options: ScreenshotOptions & { deadlineMs: number },
): Promise<Uint8Array> {
  const { type, quality, fullPage, target } = options
  const how = {
    type,
    timeout: slightlyLess(options.deadlineMs),
    ...(quality !== undefined && type === 'jpeg' && { quality }),
  }
  if (target) {
    const locator = await at(target)
    const box = await locator.boundingBox({ timeout: how.timeout })
    if (box && (Math.max(box.height, box.width) > pixelsMax || box.height * box.width > areaMax))
      throw new DriverError('too_large', `the element is larger than ${areaMax} pixels, or ${pixelsMax} to one side`)
    return locator.screenshot(how)
  }
  if (!fullPage) return page.screenshot(how)
  const size: unknown = await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.scrollHeight]',
  )
  // The page's own word, so both sides are limited: what Chromium paints lies in its memory four bytes a pixel.
  const [width = 1, height = 1] = (Array.isArray(size) ? size : []).map((side) => Math.max(1, Number(side) || 1))
  const clipWidth = Math.min(width, 4_096)
  const clipHeight = Math.min(height, pixelsMax, Math.floor(areaMax / clipWidth))
  return page.screenshot({ ...how, fullPage, clip: { x: 0, y: 0, width: clipWidth, height: clipHeight } })
}
