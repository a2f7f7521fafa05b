import { allImports, isTest, kindOf, packageOf, resolveFrom, runtimeImports } from './tree.ts'

/** One file as the laws see it. */
export interface Source {
  path: string
  text: string
}

/** Packages that speak to the outside: only an adapter, a test or main.ts may know them. */
export const drivers = [
  ...['ioredis', '@clickhouse/client', 'chdb', 'playwright-core', '@sparticuz/chromium'],
  ...['openai', '@anthropic-ai/sdk', 'bun:sqlite', 'bullmq'],
]
export const frameworks = ['elysia', '@elysiajs/openapi']

const isOf = (names: string[], path: string) => names.some((name) => path === name || path.startsWith(`${name}/`))

/** House law 1: what an app takes from another app, at run time or in the wrong place. */
export function appBreaches({ path, text }: Source, appNames: string[]): string[] {
  const own = packageOf(path)
  const isForeignApp = (name: string) =>
    appNames.some(
      (app) => own !== `apps/${app}` && (name === `@santaclaude/${app}` || name.startsWith(`@santaclaude/${app}/`)),
    )
  const runtime = runtimeImports(text, kindOf(path)).filter(isForeignApp)
  const types = allImports(text).filter(
    (name) => isForeignApp(name) && !(name.endsWith('/contract') && /^apps\/[^/]+\/src\/peers\//.test(path)),
  )
  return [
    ...runtime.map((name) => `${path} imports ${name} at run time`),
    ...types.map((name) => `${path} takes ${name}: types only, through …/contract, from src/peers`),
  ]
}

/** A relative import that leaves its package walks around `exports`. */
export function escapes({ path, text }: Source): string[] {
  return allImports(text)
    .filter((name) => name.startsWith('.') && packageOf(resolveFrom(path, name)) !== packageOf(path))
    .map((name) => `${path} reaches out of its package: ${name}`)
}

/** House law 2: lib knows no app, the kit knows nobody. */
export function libBreaches({ path, text }: Source, appNames: string[]): string[] {
  if (!path.startsWith('lib/')) return []
  const apps = allImports(text).filter((name) => appNames.some((app) => isOf([`@santaclaude/${app}`], name)))
  const kit =
    path.startsWith('lib/kit/') && !isTest(path) ? allImports(text).filter((name) => !name.startsWith('.')) : []
  return [
    ...apps.map((name) => `${path} knows the app ${name}`),
    ...kit.map((name) => `${path} is of the kit and imports ${name}`),
  ]
}

/** House law 3: a verb or a policy knows neither the framework nor a driver, not even their types. */
export function verbBreaches({ path, text }: Source, portFolders: string[]): string[] {
  if (!/^apps\/[^/]+\/src\//.test(path) || isTest(path) || path.startsWith('apps/cli/')) return []
  const file = path.slice(path.lastIndexOf('/') + 1)
  const isAdapter = portFolders.some((folder) => path.startsWith(`${folder}/`)) && file !== 'port.ts'
  const mayServe = ['app.ts', 'main.ts', 'routes.ts', 'routes.tsx', 'schemas.ts'].includes(file)
  // What lies beside main.ts wires ports together for it: it may name the type of a client, but open none.
  const isWiring = /^apps\/[^/]+\/src\/[^/]+$/.test(path)
  const known = isWiring ? runtimeImports(text, kindOf(path)) : []
  return allImports(text)
    .filter((name) => !isWiring || isOf(frameworks, name) || known.includes(name))
    .filter(
      (name) => (!mayServe && isOf(frameworks, name)) || (!isAdapter && file !== 'main.ts' && isOf(drivers, name)),
    )
    .map((name) => `${path} imports ${name}: only ${isOf(frameworks, name) ? 'routes' : 'adapters beside a port'} may`)
}
