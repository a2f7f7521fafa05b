import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The bundled shop pages, served on the loopback while a run lasts. */
export interface Shops {
  urls: string[]
  close(): Promise<void>
}

const folder = join(import.meta.dir, '../../shops')

/** Serves each `.html` file of apps/cli/shops under its own name, on a free port. */
export function openShops(): Shops {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.html'))
    .sort()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const name = new URL(request.url).pathname.slice(1)
      return names.includes(name) ? new Response(Bun.file(join(folder, name))) : new Response('', { status: 404 })
    },
  })
  return {
    urls: names.map((name) => `http://127.0.0.1:${server.port}/${name}`),
    close: () => server.stop(true),
  }
}
