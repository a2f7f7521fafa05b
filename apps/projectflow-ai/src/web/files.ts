import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { PageFiles } from './layout.ts'

const names = { css: 'style.css', js: 'status.js', eventsJs: 'events.js', icon: 'icon.svg' } as const
const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

interface Served {
  body: string
  headers: Record<string, string>
}

interface Loaded {
  files: PageFiles
  byAddress: Map<string, Served>
}

let loading: Promise<Loaded> | undefined

/** The files every page loads, read on first use. Their addresses hold their hash, so they may be cached for good. */
export function webFiles(): Promise<Loaded> {
  loading ??= load()
  loading.catch(() => {
    loading = undefined
  })
  return loading
}

async function load(): Promise<Loaded> {
  const byAddress = new Map<string, Served>()
  const add = async (name: string) => {
    const body = await readFile(new URL(name, import.meta.url), 'utf8')
    const address = `/assets/${createHash('sha256').update(body).digest('hex').slice(0, 16)}/${name}`
    byAddress.set(address, {
      body,
      headers: {
        'content-type': types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
      },
    })
    return address
  }
  const files = {
    ...{ css: await add(names.css), js: await add(names.js) },
    ...{ eventsJs: await add(names.eventsJs), icon: await add(names.icon) },
  }
  return { files, byAddress }
}
