import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, type Context } from './context.ts'

/** One of our services as its package.json describes it. */
export interface ServiceInfo {
  name: string
  port: number
  needs: string[]
  /** The file that runs it. */
  mainPath: string
  url: string
}

interface Manifest {
  name: string
  service?: { port: number; needs: string[] }
}

const firstPort = 8000

/** The services, by port. `PORT_BASE` moves all ports together: 8000 becomes PORT_BASE, 8001 the next. */
export function servicesOf({ env, root }: Pick<Context, 'env' | 'root'>): ServiceInfo[] {
  const base = portBaseOf(env)
  return [...new Bun.Glob('apps/*/package.json').scanSync({ cwd: root })]
    .flatMap((path) => {
      const { name, service } = JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest
      if (!service) return []
      const port = base + service.port - firstPort
      const mainPath = join(root, path, '../src/main.ts')
      return [
        { name: name.replace(/^@.*\//, ''), port, needs: service.needs, mainPath, url: `http://127.0.0.1:${port}` },
      ]
    })
    .sort((a, b) => a.port - b.port)
}

export function portBaseOf(env: Context['env']): number {
  const given = env.PORT_BASE
  if (!given) return firstPort
  const base = Number(given)
  if (Number.isInteger(base) && base >= 1024 && base <= 65_000) return base
  throw new CliError('usage', `PORT_BASE is "${given}": expected a whole number from 1024 to 65000.`)
}

/** The variable by which services learn where a peer is: `AI_SERVICE_URL`. */
export const urlVariable = (name: string) => `${name.replaceAll('-', '_').toUpperCase()}_URL`
