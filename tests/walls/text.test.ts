import { expect, test } from 'bun:test'
import { filesLike, isTest, sources, textOf } from './tree.ts'

const written = () =>
  filesLike(
    '*.{md,json,jsonc,toml,ts}',
    '.ci/*',
    '.npmrc',
    '{apps,lib,tests,docker,kustomize}/**/*.{ts,tsx,md,json,yaml,html,css,sh,lua}',
    'docker/*',
  )

/** Lines that match, as `path:line`. */
const linesWith = (paths: string[], pattern: RegExp) =>
  paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  )

test('no file names a place of one machine', () => {
  // Homebrew's own folder on Linux is the same on every machine.
  const places = /(?:^|[\s'"`(=:])\/(?:home\/(?!linuxbrew|nonroot|bun|node)|Users\/|root\/|work\/|farm\/)\w/
  expect(linesWith(written(), places)).toEqual([])
})

test('no file names a package registry', () => {
  const host = new RegExp(['registry', '(npmjs|yarnpkg|npmmirror)'].join('\\.'))
  expect(linesWith(written(), host)).toEqual([])
})

test('only main.ts reads the environment', () => {
  const code = sources().filter((path) => !isTest(path) && !/\/main\.ts$/.test(path) && !/^lib\/testkit\//.test(path))
  const reads = /\b(Bun|import\.meta)\.env\b|\bDeno\.env\b|\bprocess\.env\b|\bprocess\[['"]env/
  const allowed = ['lib/service/src/run.ts', 'lib/service/src/config.ts']
  expect(
    linesWith(
      code.filter((path) => !allowed.includes(path) && !path.startsWith('apps/cli/')),
      reads,
    ),
  ).toEqual([])
})

test('only main.ts, through lib/service, listens', () => {
  const code = sources().filter(
    (path) => !isTest(path) && !/^lib\/(testkit\/|service\/src\/(run|serve)\.ts)/.test(path),
  )
  const listens = code.filter((path) => !path.endsWith('/main.ts') && !path.startsWith('apps/cli/'))
  expect(linesWith(listens, /\bBun\.serve\(|\bserve\(\{|\bapp\.listen\(|\)\.listen\(\d/)).toEqual([])
})
