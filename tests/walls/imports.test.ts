import { describe, expect, test } from 'bun:test'
import { dirname } from 'node:path'
import { appBreaches, escapes, libBreaches, type Source, verbBreaches } from './imports.ts'
import { filesLike, sources, textOf } from './tree.ts'

const all: Source[] = sources().map((path) => ({ path, text: textOf(path) }))
const appNames = filesLike('apps/*/package.json').map((path) => dirname(path).replace('apps/', ''))
const portFolders = filesLike('{apps,lib}/*/src/**/port.ts').map(dirname)

test('apps take from each other nothing but types, through the contract, from src/peers', () => {
  expect(all.flatMap((source) => appBreaches(source, appNames))).toEqual([])
})
test('no relative import leaves its package', () => {
  expect(all.flatMap(escapes)).toEqual([])
})
test('lib knows no app, and the kit knows nobody', () => {
  expect(all.flatMap((source) => libBreaches(source, appNames))).toEqual([])
})
test('verbs and policy files know neither the framework nor a driver', () => {
  expect(all.flatMap((source) => verbBreaches(source, portFolders))).toEqual([])
})

describe('the laws see', () => {
  const apps = ['ai-service', 'projectflow-ai']
  const front = 'apps/projectflow-ai/src'
  test('an app that imports another one at run time', () => {
    const text = `import { app } from '@santaclaude/ai-service/contract'\nexport const x = app`
    expect(appBreaches({ path: `${front}/peers/ai.ts`, text }, apps)).toHaveLength(1)
  })
  test('an import inside an expression', () => {
    const text = `export const load = () => import('@santaclaude/ai-service/app')`
    expect(appBreaches({ path: `${front}/status/read.ts`, text }, apps).length).toBeGreaterThan(0)
  })
  test('types taken outside src/peers, and lets those in src/peers pass', () => {
    const text = `import type { App } from '@santaclaude/ai-service/contract'\nexport type X = App`
    expect(appBreaches({ path: `${front}/status/read.ts`, text }, apps)).toHaveLength(1)
    expect(appBreaches({ path: `${front}/peers/ai.ts`, text }, apps)).toEqual([])
  })
  test('a relative path into another package, also for a type over several lines', () => {
    const text = `import type {\n  App,\n} from '../../../ai-service/src/app.ts'\nexport type X = App`
    expect(escapes({ path: `${front}/peers/ai.ts`, text })).toHaveLength(1)
  })
  test('a kit file with a dependency, and a lib that knows an app', () => {
    expect(libBreaches({ path: 'lib/kit/src/a.ts', text: `import 'elysia'` }, apps)).toHaveLength(1)
    const text = `import type { A } from '@santaclaude/ai-service/contract'\nexport type B = A`
    expect(libBreaches({ path: 'lib/log/src/a.ts', text }, apps)).toHaveLength(1)
  })
  test('a verb that knows a driver or the framework, an adapter that may know the driver only', () => {
    const src = 'apps/ai-service/src'
    const redis = `import type { Redis } from 'ioredis'\nexport type R = Redis`
    const elysia = `import { t } from 'elysia'\nexport const x = t`
    const ports = [`${src}/store`]
    expect(verbBreaches({ path: `${src}/chat/complete.ts`, text: redis }, ports)).toHaveLength(1)
    expect(verbBreaches({ path: `${src}/chat/complete.ts`, text: elysia }, ports)).toHaveLength(1)
    expect(verbBreaches({ path: `${src}/store/redis.ts`, text: redis }, ports)).toEqual([])
    expect(verbBreaches({ path: `${src}/store/port.ts`, text: redis }, ports)).toHaveLength(1)
    expect(verbBreaches({ path: `${src}/store/redis.ts`, text: elysia }, ports)).toHaveLength(1)
    expect(verbBreaches({ path: `${src}/chat/routes.ts`, text: elysia }, ports)).toEqual([])
  })
  test('what wires ports for main.ts: it may name a client, not make one', () => {
    const path = 'apps/ai-service/src/in-redis.ts'
    expect(verbBreaches({ path, text: `import type { Redis } from 'ioredis'\nexport type R = Redis` }, [])).toEqual([])
    expect(
      verbBreaches({ path, text: `import { Redis } from 'ioredis'\nexport const r = new Redis()` }, []),
    ).toHaveLength(1)
  })
})
