import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pause } from '@santaclaude/kit/deadline'
import { chromiumForTests, type TestHouse, testHouse } from './app.fixture.ts'
import type { PageView, SessionView, SnapshotView } from './schemas.ts'

const shopsDir = fileURLToPath(new URL('../../cli/shops/', import.meta.url))
const chromium = chromiumForTests()
const fenced = chromiumForTests({ allowPrivate: false })
let house: TestHouse
let site: ReturnType<typeof serveSite>

// A guard against hanging, not a measure: the machine may be busy.
setDefaultTimeout(60_000)

beforeAll(() => {
  site = serveSite()
})
afterEach(() => house.close())
afterAll(() => {
  site.stop(true)
  chromium.close()
  fenced.close()
})

const real = async (wanted: Parameters<typeof testHouse>[0] = {}) => {
  house = await testHouse({ driver: chromium.driver, ...wanted })
}
const at = (path: string) => new URL(path, site.url).href

async function ask(path: string, init: Parameters<TestHouse['fetch']>[1] = {}) {
  const response = await house.fetch(path, init)
  const type = response.headers.get('content-type') ?? ''
  const body = type.includes('json') ? await response.json() : await response.bytes()
  return { status: response.status, code: body.code as string | undefined, body }
}

async function opened(json: object = {}) {
  const made = await ask('/v1/sessions', { json })
  expect(made.status).toBe(201)
  const session = made.body as SessionView
  return { session, ...(await openPage(session)) }
}

async function openPage({ id }: SessionView) {
  const page = (await ask(`/v1/sessions/${id}/pages`, { method: 'POST' })).body as PageView
  return { page, path: `/v1/sessions/${id}/pages/${page.id}` }
}

const go = (path: string, url: string, more: object = {}) => ask(`${path}/navigate`, { json: { url, ...more } })
const click = (path: string, target: object) =>
  ask(`${path}/act`, { json: { action: 'click', target, deadlineMs: 5_000 } })
const pidOf = (session: SessionView) => house.ports.pool.session('acme', session.id).place.slot.browser?.pid ?? 0

/** Processes of a group that still run: zombies whose parent has not looked yet do not count. */
function runningIn(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')
        return Number(pgrp) === group && state !== 'Z'
      } catch {
        return false
      }
    })
}

const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await pause(10)
}

describe('a Chromium that comes to harm', () => {
  test('killed: its sessions end with browser_crashed, nothing of it is left, another one takes its place', async () => {
    await real()
    const { session, path } = await opened()
    const pid = pidOf(session)
    expect(runningIn(pid).length).toBeGreaterThan(1)
    const waiting = ask(`${path}/wait`, { json: { for: 'text', text: 'never', deadlineMs: 60_000 } })
    process.kill(pid, 'SIGKILL')
    expect(await waiting).toMatchObject({ status: 410, code: 'browser_crashed' })
    expect(await ask(`/v1/sessions/${session.id}`)).toMatchObject({ status: 410, code: 'browser_crashed' })
    await until(() => runningIn(pid).length === 0)
    await until(() => house.ports.pool.stats.browsers.some(({ state }) => state === 'ready'))
    const next = await opened()
    expect((await go(next.path, at('/'))).status).toBe(200)
  })

  test('frozen: noticed although its pipe is open, killed with its group, replaced; other browsers live on', async () => {
    await real({ settings: { sessionsPerBrowserMax: 1, pingEveryMs: 200, pingDeadlineMs: 2_000 } })
    const [frozen, well] = [await opened(), await opened()]
    const pid = pidOf(frozen.session)
    const waiting = ask(`${frozen.path}/snapshot?deadlineMs=60000`)
    process.kill(-pid, 'SIGSTOP')
    expect(await waiting).toMatchObject({ status: 410, code: 'browser_crashed' })
    await until(() => runningIn(pid).length === 0)
    expect((await go(well.path, at('/'))).status).toBe(200)
  })

  test('a crashed page is told, and the others of its session go on', async () => {
    await real()
    const { session, path } = await opened()
    await go(path, at('/'))
    const inside = house.ports.pool.session('acme', session.id)
    const other = await openPage(session)
    // The address that makes a renderer crash is closed to callers, so it is opened from within.
    const [doomed] = [...inside.pages.values()]
    await doomed?.driver.navigate('chrome://crash', { until: 'load', deadlineMs: 5_000 }).catch(() => {})
    await until(() => doomed?.driver.isCrashed === true)
    expect(await ask(`${path}/snapshot`)).toMatchObject({ status: 410, code: 'page_crashed' })
    expect((await go(other.path, at('/'))).status).toBe(200)
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
  })

  test('a page that loops costs its caller the deadline; the service, the session and the close go on', async () => {
    await real()
    const { session, path } = await opened()
    await go(path, at('/loop'), { waitUntil: 'commit' })
    for (const command of ['snapshot', 'screenshot'])
      expect(await ask(`${path}/${command}?deadlineMs=300`)).toMatchObject({ status: 504, code: 'deadline_exceeded' })
    const other = await openPage(session)
    expect((await go(other.path, at('/'))).status).toBe(200)
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(`/v1/sessions/${session.id}`)).body.pages).toHaveLength(1)
  })

  test('when the pool closes, no process of it is left', async () => {
    await real()
    const pid = pidOf((await opened()).session)
    await house.close()
    await until(() => runningIn(pid).length === 0)
  })
})

describe('egress', () => {
  test('metadata addresses are closed to redirects, frames, fetch and WebSocket, not to navigations alone', async () => {
    await real()
    const { path } = await opened({ allowEvaluate: true })
    expect(await go(path, at('/to-metadata'))).toMatchObject({ status: 502, code: 'page_unreachable' })
    await go(path, at('/'))
    const script = `async () => {
      const tried = await fetch('http://169.254.169.254/latest', { mode: 'no-cors' }).then(() => 'reached', () => 'closed')
      const socket = await new Promise((done) => {
        const made = new WebSocket('ws://169.254.169.254/')
        made.onopen = () => done('reached')
        made.onerror = () => done('closed')
      })
      return [tried, socket]
    }`
    expect((await ask(`${path}/evaluate`, { json: { script } })).body).toEqual({ value: ['closed', 'closed'] })
  })

  test('with private networks closed, a canary on the loopback hears nothing by any address a page can write', async () => {
    const { port } = site
    const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0', 'localhost', 'localhost.', 'a.localhost']
    const literals = ['[::1]', '[::ffff:127.0.0.1]', '[::]']
    const markup = `<img src="http://127.0.0.1:${port}/canary/img"><iframe src="http://localhost:${port}/canary/frame"></iframe>`
    const script = `(document.body.innerHTML = ${JSON.stringify(markup)}, Promise.allSettled([
      fetch('http://127.0.0.1:${port}/canary/fetch', { mode: 'no-cors' }),
      fetch('http://[::1]:${port}/canary/fetch6', { mode: 'no-cors' }),
      new Promise((done) => { const socket = new WebSocket('ws://127.0.0.1:${port}/canary/socket'); socket.onerror = socket.onopen = done }),
    ]).then(() => 1))`
    const tryAll = async () => {
      const { session } = await opened()
      // Straight to the driver: the door would refuse these, and here the fence behind it is tried.
      const { driver } = await house.ports.pool.session('acme', session.id).openPage(10_000)
      const heard = site.requests.length
      for (const host of [...hosts, ...literals])
        await driver.navigate(`http://${host}:${port}/canary`, { until: 'load', deadlineMs: 5_000 }).catch(() => {})
      const fresh = await house.ports.pool.session('acme', session.id).openPage(10_000)
      await fresh.driver.evaluate(script, { deadlineMs: 5_000, bytesMax: 1_000 })
      return site.requests.slice(heard)
    }
    await real({ driver: fenced.driver, allowPrivate: false })
    expect(await tryAll()).toEqual([])
    await house.close()
    // The same without the fence, or the silence above would prove nothing.
    await real()
    expect(new Set(await tryAll())).toEqual(
      new Set(['/canary', '/canary/img', '/canary/frame', '/canary/fetch', '/canary/fetch6', '/canary/socket']),
    )
  })

  test('a script cannot take a page to a file of the machine', async () => {
    await real()
    const { path } = await opened({ allowEvaluate: true })
    await go(path, at('/'))
    await ask(`${path}/evaluate`, { json: { script: `void (location.href = 'file:///etc/passwd')` } })
    await ask(`${path}/evaluate`, { json: { script: `void open('file:///etc/passwd')` } })
    const text = JSON.stringify((await ask(`${path}/snapshot`)).body)
    expect(text).not.toContain('root:')
    const pages = (await ask(path.replace(/\/[^/]+$/, ''))).body.pages as PageView[]
    expect(pages.every(({ url }) => !url.startsWith('file:'))).toBe(true)
  })

  test('nothing of our environment is in the environment of the browser', async () => {
    await real()
    const pid = pidOf((await opened()).session)
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((line) => line.split('=')[0])
    const given = [
      'PATH',
      'LANG',
      'HOME',
      'TMPDIR',
      'XDG_CONFIG_HOME',
      'XDG_CACHE_HOME',
      'FONTCONFIG_PATH',
      'LD_LIBRARY_PATH',
      '',
    ]
    expect(names.filter((name) => !given.includes(name ?? ''))).toEqual([])
  })
})

describe('the shops of the demo', () => {
  const look = async (path: string) => ((await ask(`${path}/snapshot`)).body as SnapshotView).text

  test.each(readdirSync(shopsDir))(
    '%s reads well, loads nothing from elsewhere and can be pictured',
    async (shop) => {
      await real()
      const { path } = await opened()
      const before = site.requests.length
      expect(await go(path, at(`/shops/${shop}`))).toMatchObject({ status: 200, body: { status: 200 } })
      const text = await look(path)
      expect(text.match(/kettle/gi)?.length).toBeGreaterThan(1)
      expect(text).toMatch(/€ ?\d|\d ?€|EUR \d/)
      expect(site.requests.slice(before)).toEqual([`/shops/${shop}`])
      const { body } = await ask(`${path}/screenshot?fullPage=true`)
      expect(Buffer.from(body).subarray(1, 4).toString()).toBe('PNG')
    },
    60_000,
  )

  test('the cookie banner is in the way until it is answered', async () => {
    await real()
    const { path } = await opened()
    await go(path, at('/shops/copper-and-clay.html'))
    const basket = { role: 'button', name: 'Add to basket: Minnow kettle' }
    const covered = await ask(`${path}/act`, { json: { action: 'click', target: basket, deadlineMs: 1_500 } })
    expect(covered).toMatchObject({ status: 409, code: 'element_not_ready' })
    expect(covered.body.detail).toContain('covers it')
    expect((await click(path, { role: 'button', name: 'Only necessary' })).status).toBe(200)
    expect((await click(path, basket)).status).toBe(200)
    expect(await look(path)).toContain('Basket: 1 item')
  })

  test('the table sorts by price', async () => {
    await real()
    const { path } = await opened()
    await go(path, at('/shops/north-trade.html'))
    await click(path, { role: 'radio', name: 'Kettles' })
    await click(path, { role: 'button', name: 'Price' })
    const prices = (await look(path)).match(/[\d.]+,\d\d €"/g)
    expect(prices).toEqual(['22,50 €"', '29,95 €"', '46,40 €"', '58,00 €"', '1.049,00 €"'])
  })

  test('the list shows the rest when asked', async () => {
    await real()
    const { path } = await opened()
    await go(path, at('/shops/pebble.html'))
    expect(await look(path)).not.toContain('Wander travel kettle')
    for (const shown of ['8 of 11', '11 of 11']) {
      await click(path, { role: 'button', name: 'Show more' })
      expect((await ask(`${path}/wait`, { json: { for: 'text', text: shown } })).status).toBe(200)
    }
    expect(await look(path)).toContain('Wander travel kettle')
  })
})

/** Small pages, the shops, and a list of what was asked for. */
function serveSite() {
  const requests: string[] = []
  const html = (text: string) => new Response(text, { headers: { 'content-type': 'text/html; charset=utf-8' } })
  const server = Bun.serve({
    port: 0,
    hostname: '::',
    fetch: (request) => {
      const { pathname } = new URL(request.url)
      requests.push(pathname)
      if (pathname === '/to-metadata') return Response.redirect('http://169.254.169.254/latest/meta-data/')
      if (pathname === '/loop') return html('<script>setTimeout(() => { for (;;); })</script>')
      if (pathname.startsWith('/shops/')) return new Response(Bun.file(`${shopsDir}${pathname.slice(7)}`))
      return html('<!doctype html><title>Home</title><h1>Home</h1>')
    },
  })
  return { requests, port: server.port, url: `http://127.0.0.1:${server.port}/`, stop: server.stop.bind(server) }
}
