import { guard } from '@santaclaude/engines/guardian'
import { within } from '@santaclaude/kit/deadline'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { bounded } from './failure.ts'
import { type ChromiumSettings, launchOptions } from './launch.ts'
import type { DriverPage } from './page.ts'
import { playwrightPage } from './playwright-page.ts'
import { type Driver, type DriverBrowser, type DriverContext, DriverError } from './port.ts'

/**
 * Drives Chromium with playwright-core over a pipe. Playwright is loaded at the first launch: a service that was asked
 * for no browser yet pays neither the time nor the memory.
 *
 * Nothing Playwright says about life is trusted: a frozen browser counts as connected there and many calls have no
 * deadline, so every call is raced against ours.
 */
export function playwrightDriver(chromiumSettings: () => Promise<ChromiumSettings>): Driver {
  return {
    launch: async ({ deadlineMs }) => {
      let browser: Browser | undefined
      try {
        const found = within(deadlineMs, 'finding Chromium', chromiumSettings())
        const [{ chromium }, settings] = await Promise.all([import('playwright-core'), found])
        browser = await chromium.launch(launchOptions(settings, deadlineMs))
        return await opened(browser, deadlineMs)
      } catch (error) {
        await browser?.close().catch(() => {})
        throw new DriverError('launch', 'Chromium did not start', error)
      }
    },
  }
}

async function opened(browser: Browser, deadlineMs: number): Promise<DriverBrowser> {
  const session = await within(deadlineMs, 'attaching to Chromium', browser.newBrowserCDPSession())
  const pid = await browserPid(session, deadlineMs)
  const release = guarded(pid)
  const listeners: (() => void)[] = []
  let isGone = false
  browser.on('disconnected', () => {
    isGone = true
    release()
    // What the browser left behind in its group has no one else to end it.
    signal(pid && -pid)
    for (const listener of listeners.splice(0)) listener()
  })
  const kill = () => {
    if (isGone) return
    signal(pid && -pid)
    signal(pid)
    browser.close().catch(() => {})
  }
  return {
    version: browser.version(),
    pid,
    ping: async ({ deadlineMs }) => {
      await bounded(deadlineMs, 'a ping', session.send('Browser.getVersion'))
    },
    newContext: async ({ deadlineMs, viewport, locale, timezone, userAgent }) =>
      openedContext(
        await bounded(
          deadlineMs,
          'a new context',
          browser.newContext({
            acceptDownloads: false,
            ...(viewport && { viewport }),
            ...(locale && { locale }),
            ...(timezone && { timezoneId: timezone }),
            ...(userAgent && { userAgent }),
          }),
        ),
      ),
    onGone: (listener) => {
      if (isGone) queueMicrotask(listener)
      else listeners.push(listener)
    },
    kill,
    close: async ({ deadlineMs }) => {
      await within(deadlineMs, 'closing Chromium', browser.close()).catch(() => {})
      kill()
    },
  }
}

function openedContext(context: BrowserContext): DriverContext {
  // Playwright tells of every new page, ours too, before `newPage` answers. Pages that come while we open one are kept
  // aside until it is known which of them is ours; the others were opened by a page.
  let opening = 0
  const unclaimed = new Set<Page>()
  const listeners: ((page: DriverPage) => void)[] = []
  const tellPopups = () => {
    if (opening > 0) return
    for (const page of unclaimed) for (const listener of listeners) listener(playwrightPage(page))
    unclaimed.clear()
  }
  context.on('page', (page) => {
    unclaimed.add(page)
    tellPopups()
  })
  return {
    newPage: async ({ deadlineMs }) => {
      opening++
      try {
        const page = await bounded(deadlineMs, 'a new page', context.newPage())
        unclaimed.delete(page)
        return playwrightPage(page)
      } finally {
        opening--
        tellPopups()
      }
    },
    onPopup: (listener) => {
      listeners.push(listener)
    },
    close: async ({ deadlineMs }) => {
      await within(deadlineMs, 'closing a context', context.close()).catch(() => {})
    },
  }
}

async function browserPid(session: CDPSession, deadlineMs: number): Promise<number | undefined> {
  const { processInfo } = await within(deadlineMs, 'asking for the process', session.send('SystemInfo.getProcessInfo'))
  return processInfo.find(({ type }) => type === 'browser')?.id
}

/**
 * A browser ends by itself when our end of its pipe closes, but a frozen one does not. The guardian ends it when we can
 * not. Where there is no shell to run it we are in a container, which takes its processes along.
 */
function guarded(pid: number | undefined): () => void {
  try {
    return pid === undefined ? () => {} : guard(pid)
  } catch {
    return () => {}
  }
}

/**
 * SIGKILL to a process, or with a negative number to a process group. Playwright starts Chromium as the leader of a group
 * of its own, which holds zygotes, renderers and the GPU process.
 */
function signal(target: number | undefined): void {
  if (target === undefined || Math.abs(target) <= 1) return
  try {
    process.kill(target, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
