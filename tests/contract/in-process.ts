import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Target } from './cases.ts'

const apps = new URL('../../apps/', import.meta.url)

/** What every app's `app.fixture.ts` offers: the whole app on memory adapters, each proven by its port's conformance suite. */
interface Fixture {
  testHouse(): Promise<{
    handler(request: Request): Response | Promise<Response>
    newKey(scopes: never[], tenant?: string): Promise<string>
  }>
}

/** The names of the apps that are services, from their package.json. */
export const serviceNames = (): string[] =>
  readdirSync(apps).filter((name) => {
    const path = new URL(`${name}/package.json`, apps)
    if (!existsSync(new URL(`${name}/src/app.ts`, apps))) return false
    return existsSync(path) && 'service' in JSON.parse(readFileSync(path, 'utf8'))
  })

/** One service without a socket: requests go straight to `app(ports).fetch`. */
export async function inProcess(name: string): Promise<Target> {
  const { testHouse } = (await import(fileURLToPath(new URL(`${name}/src/app.fixture.ts`, apps)))) as Fixture
  const house = await testHouse()
  return {
    name,
    send: async (path, init) => house.handler(new Request(`http://localhost${path}`, init)),
    key: (scopes) => house.newKey(scopes as never[]),
  }
}
