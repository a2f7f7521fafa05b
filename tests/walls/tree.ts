import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The repository's folder. */
export const root = resolve(import.meta.dir, '../..')

const hidden = /(^|\/)(node_modules|\.git|\.data|coverage|dist)(\/|$)/

/** Files of the repository as paths under its root, sorted; nothing installed, generated or kept at run time. */
export function filesLike(...patterns: string[]): string[] {
  const found = patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root, dot: true })])
  return [...new Set(found)].filter((path) => !hidden.test(path)).sort()
}

export const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
export const exists = (path: string) => existsSync(join(root, path))

/** All TypeScript of apps and lib. */
export const sources = () => filesLike('apps/*/src/**/*.{ts,tsx}', 'lib/*/src/**/*.{ts,tsx}')

/** Tests, and what only tests use: conformance suites, and fixtures, which may be programs of their own. */
export const isTest = (path: string) => /\.(test|fixture)\.tsx?$/.test(path) || /(^|[/-])conformance\.tsx?$/.test(path)

/** `apps/<name>` or `lib/<name>` of a path; empty for anything else. */
export const packageOf = (path: string) => /^(apps|lib)\/[^/]+/.exec(path)?.[0] ?? ''

const transpilers = { ts: new Bun.Transpiler({ loader: 'ts' }), tsx: new Bun.Transpiler({ loader: 'tsx' }) }

/** What a text imports when it runs: type-only imports are gone by then. */
export const runtimeImports = (text: string, kind: 'ts' | 'tsx' = 'ts') =>
  transpilers[kind].scanImports(text.replace(/^#!.*/, '')).map(({ path }) => path)

/** What a text names in any import or re-export, types included. */
export function allImports(text: string): string[] {
  const statements = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [statements, bare, calls].flatMap((form) => [...text.matchAll(form)].map(([, path]) => path ?? ''))
}

export const kindOf = (path: string) => (path.endsWith('x') ? 'tsx' : 'ts')

/** Where a relative import of `from` leads, as a path under the root. */
export const resolveFrom = (from: string, path: string) => relative(root, join(root, dirname(from), path))

interface Manifest {
  name: string
  version?: string
  service?: { port: number; needs: string[] }
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  exports?: Record<string, unknown>
}

/** Every package.json of apps and lib with its folder. */
export const manifests = () =>
  filesLike('apps/*/package.json', 'lib/*/package.json').map((path) => ({
    folder: dirname(path),
    manifest: JSON.parse(textOf(path)) as Manifest,
  }))
