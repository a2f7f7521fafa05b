import { expect, test } from 'bun:test'
import { missingPlatforms } from './lockfile.ts'
import { filesLike, textOf } from './tree.ts'

test('the lockfile names no host', () => {
  expect(
    textOf('bun.lock')
      .split('\n')
      .filter((line) => line.includes('http')),
  ).toEqual([])
})
test('the lockfile pins every platform build it names (`bun tests/complete-lockfile.ts` adds them)', () => {
  expect(missingPlatforms(textOf('bun.lock'))).toEqual([])
})
test('every version is pinned', () => {
  const loose = filesLike('package.json', '{apps,lib}/*/package.json').flatMap((path) => {
    const { dependencies, devDependencies, workspaces } = JSON.parse(textOf(path))
    return Object.entries({ ...dependencies, ...devDependencies, ...workspaces?.catalog })
      .filter(([, version]) => !/^(\d+\.\d+\.\d+\S*|workspace:\*|catalog:)$/.test(String(version)))
      .map(([name, version]) => `${path}: ${name} ${version}`)
  })
  expect(loose).toEqual([])
})
test('the package managers are told of no registry', () => {
  const told = filesLike('.npmrc', 'bunfig.toml', 'package.json', '{apps,lib}/*/package.json')
  expect(told.filter((path) => /registry\s*["=:]/i.test(textOf(path)))).toEqual([])
})

test('npx may fetch bun without a terminal, on npm 12 too, where it reads no package.json for that', () => {
  expect(textOf('.npmrc')).toMatch(/^yes=true$/m)
  expect(textOf('.npmrc')).toMatch(/^allow-scripts=bun$/m)
})
