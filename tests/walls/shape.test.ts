import { expect, test } from 'bun:test'
import { basename, dirname } from 'node:path'
import { exists, filesLike, manifests, sources, textOf } from './tree.ts'

const apps = manifests().filter(({ folder }) => folder.startsWith('apps/'))
const services = apps.filter(({ manifest }) => manifest.service)
const linesOf = (path: string) => textOf(path).trimEnd().split('\n').length

test('nothing is called utils, helpers, common, shared, manager, index or service', () => {
  const words = /^(utils?|helpers?|common|shared|managers?|index|service)$/
  const isDrawer = (path: string) =>
    path
      .split('/')
      .slice(3, -1)
      .some((folder) => words.test(folder)) || words.test(basename(path).replace(/\..*$/, ''))
  expect(sources().filter(isDrawer)).toEqual([])
})

test('every app but the command line is a service with a port of its own', () => {
  expect(apps.filter(({ manifest }) => !manifest.service).map(({ folder }) => folder)).toEqual(['apps/cli'])
  expect(services.map(({ manifest }) => manifest.service?.port).sort()).toEqual([8000, 8001, 8002, 8003, 8004])
})

test('every service has its front files, its README and its document', () => {
  const needed = ['README.md', 'openapi.json', 'src/main.ts', 'src/app.ts', 'src/config.ts', 'src/contract.ts']
  const missing = services
    .filter(({ folder }) => exists(`${folder}/src/main.ts`))
    .flatMap(({ folder }) => needed.map((file) => `${folder}/${file}`))
  expect(missing.filter((path) => !exists(path))).toEqual([])
})

test('app.ts is a table of contents (≤30 lines) and main.ts a list of what is opened (≤25)', () => {
  const long = (file: string, max: number) => filesLike(`apps/*/src/${file}`).filter((path) => linesOf(path) > max)
  expect([...long('app.ts', 30), ...long('main.ts', 25)]).toEqual([])
})

test('an app lets others see its contract only, and only as types', () => {
  const open = services.filter(
    ({ manifest }) => JSON.stringify(manifest.exports) !== '{"./contract":{"types":"./src/contract.ts"}}',
  )
  expect(open.map(({ folder }) => folder)).toEqual([])
})

test('nothing is in lib before its second user', () => {
  const users = (name: string) =>
    manifests().filter(({ manifest }) => name in { ...manifest.dependencies, ...manifest.devDependencies }).length
  const libs = manifests().filter(({ folder }) => folder.startsWith('lib/'))
  expect(libs.filter(({ manifest }) => users(manifest.name) < 2).map(({ folder }) => folder)).toEqual([])
})

test('every port has a conformance suite', () => {
  const folders = filesLike('{apps,lib}/*/src/**/port.ts').map(dirname)
  expect(folders.filter((folder) => !exists(`${folder}/conformance.ts`))).toEqual([])
})

test('every conformance suite is run, and every file that says it implements the port passes it', () => {
  const suites = filesLike('{apps,lib}/*/src/**/*conformance.ts')
  const tests = filesLike('{apps,lib}/*/src/**/*.test.ts').map(textOf)
  for (const suite of suites) {
    const runs = tests.filter((text) => text.includes(`/${basename(suite)}'`))
    expect(runs.length, `${suite} is run by no test`).toBeGreaterThan(0)
    for (const adapter of adaptersBeside(suite))
      expect(
        runs.some((text) => text.includes(`/${basename(adapter)}'`)),
        `no test runs ${suite} on ${adapter}`,
      ).toBe(true)
  }
})

/** The files beside a suite whose exported function or class says, by its types, that it answers the port. */
function adaptersBeside(suite: string): string[] {
  const folder = dirname(suite)
  if (!exists(`${folder}/port.ts`)) return []
  // The port is what has methods; the other types of its file are what goes in and out.
  const interfaces = [...textOf(`${folder}/port.ts`).matchAll(/export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/g)]
  const ports = interfaces.filter(([, , body]) => /^ {2}\w+\(/m.test(body ?? '')).map(([, name]) => name)
  const answers = new RegExp(`^export .*(?:\\)\\s*:\\s*(?:Promise<)?|implements )(?:${ports.join('|')})\\b(?!\\[)`, 'm')
  return filesLike(`${folder}/*.ts`).filter(
    (path) => ports.length > 0 && !/(port|conformance|\.test)\.ts$/.test(path) && answers.test(textOf(path)),
  )
}
