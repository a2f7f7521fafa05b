import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Caller } from './caller.ts'
import type { Tell } from './steps.ts'

/** One browser session with one page, as the tools use it. */
export interface Browsing {
  /** Goes to an address; answers the snapshot. */
  navigate(url: string): Promise<string>
  snapshot(): Promise<string>
  /** Presses an element of the last snapshot; answers the snapshot afterwards. */
  click(ref: string): Promise<string>
  /** The screenshots taken so far, one a page, each of the page as it was last seen. */
  screenshots(): string[]
  close(): Promise<void>
}

const clickDeadlineMs = 5_000
/** A page that says it is loading (WAI-ARIA `aria-busy`) is read when it no longer does, or as it is after 3 s. */
const untilNotBusy = { for: 'hidden', target: { selector: 'body:has([aria-busy="true"])' }, deadlineMs: 3_000 }

interface Seen {
  url: string
  title: string
  text: string
}

/** Opens a browser session and a page in it. Every page that is seen is kept as a screenshot in `dir`. */
export async function openBrowsing(pool: Caller, { dir, tell }: { dir: string; tell: Tell }): Promise<Browsing> {
  mkdirSync(dir, { recursive: true })
  const session = await pool.call<{ id: string }>('POST', '/v1/sessions', { viewport: { width: 1280, height: 900 } })
  const page = await pool.call<{ id: string }>('POST', `/v1/sessions/${session.id}/pages`)
  const at = `/v1/sessions/${session.id}/pages/${page.id}`
  const taken = new Map<string, string>()

  const keep = async ({ url, title, text }: Seen) => {
    const isNew = !taken.has(url)
    const path = taken.get(url) ?? join(dir, `${taken.size + 1}-${nameOf(url)}.png`)
    taken.set(url, path)
    await Bun.write(path, await pool.bytes(`${at}/screenshot`))
    if (isNew) tell({ step: 'seen', url, title, screenshot: path })
    return `Page: ${title}\nURL: ${url}\n${text}`
  }
  return {
    async navigate(url) {
      const gone = await pool.call<{ snapshot: Seen }>('POST', `${at}/navigate`, { url, snapshot: true })
      return await keep(gone.snapshot)
    },
    snapshot: async () => keep(await pool.call<Seen>('GET', `${at}/snapshot`)),
    async click(ref) {
      await pool.call('POST', `${at}/act`, { action: 'click', target: { ref }, deadlineMs: clickDeadlineMs })
      await pool.call('POST', `${at}/wait`, untilNotBusy).catch(() => {})
      return await keep(await pool.call<Seen>('GET', `${at}/snapshot`))
    },
    screenshots: () => [...taken.values()],
    close: () => pool.call('DELETE', `/v1/sessions/${session.id}`),
  }
}

/** The last part of an address, as a file may be called. */
const nameOf = (url: string) =>
  (new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? new URL(url).host)
    .replace(/\.html?$/, '')
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .slice(0, 40)
