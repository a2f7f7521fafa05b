import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { DriverPage } from './page.ts'
import { type Driver, type DriverBrowser, type DriverContext, DriverError, type DriverFailure } from './port.ts'

const deadlineMs = 10_000
const load = { until: 'load', deadlineMs } as const

/** What every driver must do, on small pages that it loads over HTTP. */
export function driverConformance(name: string, open: () => Driver | Promise<Driver>): void {
  // A guard against hanging, not a measure: the machine may be busy.
  setDefaultTimeout(60_000)
  describe(`driver: ${name}`, () => {
    let site: ReturnType<typeof serveSite>
    let browser: DriverBrowser
    let context: DriverContext
    let page: DriverPage
    const at = (path: string) => new URL(path, site.url).href
    const look = async () => (await page.snapshot({ deadlineMs, charsMax: 50_000 })).text
    const refOf = async (words: string) => {
      const ref = new RegExp(`${words}.*\\[ref=([^\\]]+)\\]`).exec(await look())?.[1]
      if (!ref) throw new Error(`no ref for ${words} in\n${await look()}`)
      return { ref }
    }

    beforeAll(async () => {
      site = serveSite()
      browser = await (await open()).launch({ deadlineMs: 30_000 })
      context = await browser.newContext({ deadlineMs })
      page = await context.newPage({ deadlineMs })
    })
    afterAll(async () => {
      await browser.close({ deadlineMs })
      site.stop(true)
    })

    test('a browser names its version and answers a ping', async () => {
      expect(browser.version).toMatch(/^\d+\./)
      await browser.ping({ deadlineMs })
    })

    test('a navigation answers the status of the response, and the page knows its address and title', async () => {
      expect(await page.navigate(at('/'), load)).toEqual({ status: 200 })
      expect(page.url).toBe(at('/'))
      expect(await page.title({ deadlineMs })).toBe('Shelf')
      expect(await page.navigate(at('/missing'), load)).toEqual({ status: 404 })
    })

    test('an address nobody answers is unreachable', async () => {
      expect(await failureOf(page.navigate('http://127.0.0.1:1/', load))).toBe('unreachable')
    })

    test('a snapshot holds each element with its role, its name and a ref', async () => {
      await page.navigate(at('/'), load)
      const text = await look()
      expect(text).toMatch(/heading "Kettles" .*\[ref=d\d+\w+\]/)
      expect(text).toMatch(/link "Next" .*\[ref=d\d+\w+\]/)
      expect(text).toMatch(/textbox "Search" .*\[ref=d\d+\w+\]/)
    })

    test('a snapshot is cut at a line when it is too long, and says so', async () => {
      const snapshot = await page.snapshot({ deadlineMs, charsMax: 60 })
      expect(snapshot.isTruncated).toBe(true)
      expect(snapshot.text.length).toBeLessThanOrEqual(60)
      expect(snapshot).toMatchObject({ url: at('/'), title: 'Shelf' })
    })

    test('a click by ref follows a link, and the page it leads to is there when the act is over', async () => {
      await page.navigate(at('/'), load)
      const target = await refOf('link "Next"')
      expect(await page.act({ action: 'click', target, clicks: 1 }, { deadlineMs })).toEqual({ isSettled: true })
      expect(page.url).toBe(at('/next'))
      expect(await look()).toContain('heading "You came next"')
    })

    test('a click finds an element by role and name, and by selector', async () => {
      await page.navigate(at('/'), load)
      await page.act({ action: 'click', target: { role: 'link', name: 'Next' }, clicks: 1 }, { deadlineMs })
      expect(page.url).toBe(at('/next'))
      await page.navigate(at('/'), load)
      await page.act({ action: 'click', target: { selector: '#next' }, clicks: 1 }, { deadlineMs })
      expect(page.url).toBe(at('/next'))
    })

    test('typed text replaces, appends, and is sent by Enter', async () => {
      await page.navigate(at('/'), load)
      const target = await refOf('textbox "Search"')
      const type = (text: string, rest: object) =>
        page.act({ action: 'type', target, text, append: false, submit: false, ...rest }, { deadlineMs })
      await type('old', {})
      await type('steel', {})
      await type(' pot', { append: true, submit: true })
      expect(new URL(page.url).searchParams.get('q')).toBe('steel pot')
      expect(await look()).toContain('heading "Found: steel pot"')
    })

    test('a key pressed in a field reaches it', async () => {
      await page.navigate(at('/'), load)
      const target = await refOf('textbox "Search"')
      await page.act({ action: 'type', target, text: 'cup', append: false, submit: false }, { deadlineMs })
      await page.act({ action: 'press', target, key: 'Enter' }, { deadlineMs })
      expect(await look()).toContain('heading "Found: cup"')
    })

    test('an option is selected by its label or value', async () => {
      await page.navigate(at('/'), load)
      const target = await refOf('combobox "Size"')
      await page.act({ action: 'select', target, values: ['Large'] }, { deadlineMs })
      expect(await look()).toMatch(/option "Large" .*\[selected\]/)
      await page.act({ action: 'select', target, values: ['s'] }, { deadlineMs })
      expect(await look()).toMatch(/option "Small" .*\[selected\]/)
    })

    test('the ref of an element that was taken away is stale, and the others stay good', async () => {
      await page.navigate(at('/'), load)
      const vanish = await refOf('button "Vanish"')
      const next = await refOf('link "Next"')
      await page.act({ action: 'click', target: vanish, clicks: 1 }, { deadlineMs })
      await look()
      const again = page.act({ action: 'click', target: vanish, clicks: 1 }, { deadlineMs })
      expect(await failureOf(again)).toBe('stale_ref')
      await page.act({ action: 'click', target: next, clicks: 1 }, { deadlineMs })
      expect(page.url).toBe(at('/next'))
    })

    test('a ref of an earlier document never reaches an element of a later one', async () => {
      await page.navigate(at('/'), load)
      const target = await refOf('link "Next"')
      await page.navigate(at('/'), load)
      await look()
      expect(await failureOf(page.act({ action: 'click', target, clicks: 1 }, { deadlineMs }))).toBe('stale_ref')
    })

    test('targets that make no sense, fit nothing or fit too much are told apart', async () => {
      await page.navigate(at('/'), load)
      const click = (target: object) =>
        page.act({ action: 'click', target: target as { ref: string }, clicks: 1 }, { deadlineMs: 2_000 })
      expect(await failureOf(click({ ref: 'e1' }))).toBe('bad_target')
      expect(await failureOf(click({ selector: 'a[' }))).toBe('bad_target')
      expect(await failureOf(click({ selector: '#nowhere' }))).toBe('no_element')
      expect(await failureOf(click({ role: 'button', name: 'Nobody' }))).toBe('no_element')
      expect(await failureOf(click({ selector: 'option' }))).toBe('many_elements')
    })

    test('an expression and a function are evaluated, awaited and answered as JSON', async () => {
      await page.navigate(at('/'), load)
      const evaluate = (expression: string) => page.evaluate(expression, { deadlineMs, bytesMax: 100 })
      expect(await evaluate('[40 + 2, "x"]')).toEqual([42, 'x'])
      expect(await evaluate('async () => ({ a: null })')).toEqual({ a: null })
      expect(await evaluate('undefined // nothing')).toBeNull()
      expect(await failureOf(evaluate('nothing.at.all'))).toBe('script')
      expect(await failureOf(evaluate('(('))).toBe('script')
      expect(await failureOf(evaluate('"x".repeat(101)'))).toBe('too_large')
      expect(await failureOf(evaluate('"ü".repeat(60)'))).toBe('too_large')
    })

    test('a page that loops for ever costs its caller the deadline and nobody else anything', async () => {
      const stuck = await context.newPage({ deadlineMs })
      await stuck.navigate(at('/loop'), { until: 'commit', deadlineMs })
      const limit = { deadlineMs: 300 }
      expect(await failureOf(stuck.title(limit))).toBe('timeout')
      expect(await failureOf(stuck.snapshot({ ...limit, charsMax: 100 }))).toBe('timeout')
      expect(await failureOf(stuck.evaluate('1', { ...limit, bytesMax: 100 }))).toBe('timeout')
      expect(await failureOf(stuck.screenshot({ ...limit, type: 'png', fullPage: false }))).toBe('timeout')
      expect(await failureOf(stuck.navigate(at('/'), { until: 'load', ...limit }))).toBe('timeout')
      await page.navigate(at('/'), load)
      expect(await page.title({ deadlineMs })).toBe('Shelf')
      await stuck.close({ deadlineMs })
    })

    test('a wait ends when its condition holds, and times out when it does not', async () => {
      await page.navigate(at('/'), load)
      await page.wait({ for: 'text', text: 'Kettles', isGone: false }, { deadlineMs })
      await page.wait({ for: 'element', target: { role: 'link', name: 'Next' }, state: 'visible' }, { deadlineMs })
      await page.wait({ for: 'text', text: 'Nothing of the kind', isGone: true }, { deadlineMs })
      await page.wait({ for: 'url', contains: '/' }, { deadlineMs })
      await page.wait({ for: 'domcontentloaded' }, { deadlineMs })
      const never = page.wait({ for: 'text', text: 'Never', isGone: false }, { deadlineMs: 200 })
      expect(await failureOf(never)).toBe('timeout')
    })

    test('a screenshot is a PNG or a JPEG, and a PDF is a PDF', async () => {
      await page.navigate(at('/'), load)
      const head = (bytes: Uint8Array) => Buffer.from(bytes.slice(0, 4)).toString('latin1')
      expect(head(await page.screenshot({ type: 'png', fullPage: true, deadlineMs }))).toBe('\x89PNG')
      expect(head(await page.screenshot({ type: 'jpeg', quality: 50, fullPage: false, deadlineMs }))).toStartWith(
        '\xff\xd8',
      )
      const target = await refOf('link "Next"')
      expect(head(await page.screenshot({ type: 'png', fullPage: false, target, deadlineMs }))).toBe('\x89PNG')
      expect(head(await page.pdf({ format: 'A4', landscape: false, deadlineMs }))).toBe('%PDF')
    })

    test('a page that a page opens is told of; those we open are not', async () => {
      const popups: DriverPage[] = []
      const own = await browser.newContext({ deadlineMs })
      const opened = new Promise<void>((resolve) =>
        own.onPopup((popup) => {
          popups.push(popup)
          resolve()
        }),
      )
      const opener = await own.newPage({ deadlineMs })
      await opener.navigate(at('/'), load)
      await opener.act({ action: 'click', target: { role: 'link', name: 'Aside' }, clicks: 1 }, { deadlineMs })
      await opened
      await popups[0]?.wait({ for: 'url', contains: '/next' }, { deadlineMs })
      expect(popups).toHaveLength(1)
      await own.close({ deadlineMs })
    })

    test('contexts share no cookie', async () => {
      const other = await browser.newContext({ deadlineMs })
      const elsewhere = await other.newPage({ deadlineMs })
      await page.navigate(at('/cookie'), load)
      await page.navigate(at('/cookie'), load)
      await elsewhere.navigate(at('/cookie'), load)
      expect(await page.title({ deadlineMs })).toBe('seen=1')
      expect(await elsewhere.title({ deadlineMs })).toBe('none')
      await other.close({ deadlineMs })
    })

    test('a closed page says that it is gone', async () => {
      const brief = await context.newPage({ deadlineMs })
      const closed = new Promise<void>((resolve) => brief.onClosed(resolve))
      await brief.close({ deadlineMs })
      await closed
      expect(await failureOf(brief.title({ deadlineMs }))).toBe('gone')
    })

    test('a killed browser tells its listeners once, and its pages are gone', async () => {
      const doomed = await (await open()).launch({ deadlineMs: 30_000 })
      const lost = await (await doomed.newContext({ deadlineMs })).newPage({ deadlineMs })
      let told = 0
      const gone = new Promise<void>((resolve) =>
        doomed.onGone(() => {
          told++
          resolve()
        }),
      )
      doomed.kill()
      await gone
      expect(await failureOf(lost.title({ deadlineMs }))).toBe('gone')
      expect(await failureOf(doomed.ping({ deadlineMs }))).toBe('gone')
      await doomed.close({ deadlineMs })
      expect(told).toBe(1)
    })
  })
}

async function failureOf(work: Promise<unknown>): Promise<DriverFailure | 'nothing'> {
  try {
    await work
    return 'nothing'
  } catch (error) {
    if (error instanceof DriverError) return error.failure
    throw error
  }
}

const home = `<!doctype html><title>Shelf</title><h1>Kettles</h1>
<a id="next" href="/next">Next</a> <a href="/next" target="_blank">Aside</a>
<form action="/search"><input type="text" name="q" aria-label="Search"><button>Find</button></form>
<select aria-label="Size"><option value="s">Small</option><option value="l">Large</option></select>
<button type="button" onclick="this.remove()">Vanish</button>`

/** The pages the suite is about. */
function serveSite() {
  const html = (text: string, init: ResponseInit = {}) =>
    new Response(text, { ...init, headers: { 'content-type': 'text/html; charset=utf-8', ...init.headers } })
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const url = new URL(request.url)
      if (url.pathname === '/') return html(home)
      if (url.pathname === '/next') return html('<!doctype html><title>Next</title><h1>You came next</h1>')
      if (url.pathname === '/search')
        return html(
          `<!doctype html><title>Search</title><h1>Found: ${Bun.escapeHTML(url.searchParams.get('q') ?? '')}</h1>`,
        )
      if (url.pathname === '/loop')
        return html('<!doctype html><title>Loop</title><script>setTimeout(() => { for (;;); })</script>')
      if (url.pathname === '/cookie')
        return html(`<!doctype html><title>${request.headers.get('cookie') ?? 'none'}</title>`, {
          headers: { 'set-cookie': 'seen=1; Path=/' },
        })
      return html('<!doctype html><title>Missing</title>', { status: 404 })
    },
  })
}
