import { within } from '@santaclaude/kit/deadline'
import { bounded } from './failure.ts'
import { MemoryPage } from './memory-page.ts'
import type { DriverPage } from './page.ts'
import { type Driver, type DriverBrowser, type DriverContext, DriverError } from './port.ts'

/** Browsers that are only objects, for tests of the pool. They load real pages over HTTP and read simple HTML. */
export interface MemoryDriver extends Driver {
  /** Every browser launched, oldest first. */
  readonly browsers: MemoryBrowser[]
  /** While true no browser comes up. */
  isBroken: boolean
}

export interface MemoryBrowser extends DriverBrowser {
  readonly isGone: boolean
  /** Pages open in all its contexts. */
  readonly pageCount: number
  /** The process dies by itself. */
  crash(): void
  /** The process stops answering and stays alive, as under SIGSTOP. */
  freeze(): void
}

export function memoryDriver(): MemoryDriver {
  const browsers: MemoryBrowser[] = []
  return {
    browsers,
    isBroken: false,
    async launch() {
      if (this.isBroken) throw new DriverError('launch', 'Chromium did not start')
      const browser = memoryBrowser()
      browsers.push(browser)
      return browser
    },
  }
}

function memoryBrowser(): MemoryBrowser {
  const listeners: (() => void)[] = []
  const pages = new Set<MemoryPage>()
  const state = { isGone: false, isFrozen: false }
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>()

  /** Work as a process would do it: never while frozen, not at all once gone. */
  const during = async <T>(deadlineMs: number, what: string, work: () => Promise<T>): Promise<T> => {
    const isLost = gone.then(() => {
      throw new DriverError('gone', 'the page or its browser was closed')
    })
    if (state.isGone) return isLost
    return bounded(deadlineMs, what, Promise.race([isLost, state.isFrozen ? new Promise<never>(() => {}) : work()]))
  }
  const end = () => {
    if (state.isGone) return
    state.isGone = true
    for (const page of pages) page.end()
    leave()
    for (const listener of listeners.splice(0)) listener()
  }

  return {
    version: '0.0.0',
    pid: undefined,
    get isGone() {
      return state.isGone
    },
    get pageCount() {
      return pages.size
    },
    ping: ({ deadlineMs }) => during(deadlineMs, 'a ping', async () => {}),
    newContext: ({ deadlineMs }) => during(deadlineMs, 'a new context', async () => memoryContext(pages, during)),
    onGone: (listener) => {
      listeners.push(listener)
    },
    kill: end,
    crash: end,
    freeze: () => {
      state.isFrozen = true
    },
    close: async ({ deadlineMs }) => {
      await within(deadlineMs, 'closing', state.isFrozen ? new Promise(() => {}) : Promise.resolve()).catch(() => {})
      end()
    },
  }
}

export type During = <T>(deadlineMs: number, what: string, work: () => Promise<T>) => Promise<T>

function memoryContext(all: Set<MemoryPage>, during: During): DriverContext {
  const own = new Set<MemoryPage>()
  const cookies = new Map<string, string>()
  const listeners: ((page: DriverPage) => void)[] = []
  const make = (): MemoryPage => {
    const page = new MemoryPage({
      during,
      cookies,
      openPopup: async (url) => {
        const popup = make()
        for (const listener of listeners) listener(popup)
        await popup.load(url)
      },
    })
    own.add(page)
    all.add(page)
    page.onClosed(() => {
      own.delete(page)
      all.delete(page)
    })
    return page
  }
  return {
    newPage: ({ deadlineMs }) => during(deadlineMs, 'a new page', async () => make()),
    onPopup: (listener) => {
      listeners.push(listener)
    },
    close: async () => {
      for (const page of own) page.end()
    },
  }
}
