import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPortFree } from '@santaclaude/engines/ports'
import type { Context } from './context.ts'

/** A service that answers /health and /ready and says in its log what it was given. */
export const plainService = (name: string) => `
  console.log('given ' + process.env.REDIS_URL)
  const answer = (request) => Response.json({ service: '${name}', path: new URL(request.url).pathname })
  Bun.serve({ port: Number(process.env.PORT), hostname: process.env.HOST, fetch: answer })
  process.on('SIGTERM', () => process.exit(0))
`

/** A repository of tiny services in a temporary folder, for tests of what starts and stops them. */
export async function standInHouse(
  mains: Record<string, string>,
): Promise<{ context: Context; said: string[]; remove(): void }> {
  const root = mkdtempSync(join(tmpdir(), 'sc-house-'))
  writeFileSync(join(root, 'package.json'), JSON.stringify({ version: '9.9.9', packageManager: `bun@${Bun.version}` }))
  Object.entries(mains).forEach(([name, main], index) => {
    mkdirSync(join(root, 'apps', name, 'src'), { recursive: true })
    const service = { port: 8000 + index, needs: ['redis'] }
    writeFileSync(join(root, 'apps', name, 'package.json'), JSON.stringify({ name: `@santaclaude/${name}`, service }))
    writeFileSync(join(root, 'apps', name, 'src/main.ts'), main)
  })
  const said: string[] = []
  const env = { PATH: process.env.PATH, PORT_BASE: String(await freeBase(Object.keys(mains).length)) }
  const context = {
    env,
    root,
    dataDir: join(root, '.data'),
    isTty: false,
    say: (line: string) => void said.push(line),
    write: () => {},
  }
  return { context, said, remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** A base at which that many ports in a row are free. */
export async function freeBase(count: number): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 400) * 100
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isPortFree(base + offset)))
    if (free.every(Boolean)) return base
  }
}
