import { expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { exists, filesLike, textOf } from './tree.ts'

// The changelog and the decisions may speak of what is gone.
const docs = filesLike('*.md', '{apps,lib,docker,kustomize,tests}/**/*.md').filter((path) => path !== 'CHANGELOG.md')
const present = docs.filter((path) => path !== 'DECISIONS.md')

const isThere = (path: string) => (/[*{]/.test(path) ? filesLike(path).length > 0 : exists(path))

test('every link to a file leads to one', () => {
  const broken = docs.flatMap((doc) =>
    [...textOf(doc).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^[a-z]+:/.test(target) && !exists(join(dirname(doc), target)))
      .map((target) => `${doc}: ${target}`),
  )
  expect(broken).toEqual([])
})

test('every path of the repository that a document names exists', () => {
  const named = /`((?:apps|lib|tests|kustomize|docker|\.ci)\/[^\s`<>…:]*)`/g
  const gone = present.flatMap((doc) =>
    [...textOf(doc).matchAll(named)]
      .filter(([, path]) => !isThere((path ?? '').replace(/\/$/, '')))
      .map(([, path]) => `${doc}: ${path}`),
  )
  expect(gone).toEqual([])
})

test('every `bun run` command a document names is a script', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  const unknown = present.flatMap((doc) =>
    [...textOf(doc).matchAll(/\bbun run ([a-z][\w:-]*)/g)]
      .filter(([, name]) => !((name ?? '') in scripts))
      .map(([, name]) => `${doc}: bun run ${name}`),
  )
  expect(unknown).toEqual([])
})
