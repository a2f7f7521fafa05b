import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { filesLike, root, textOf } from '../walls/tree.ts'
import { idleParts, type Patch } from './patches.ts'
import { build, copyOfTree, environments, objects, printed, type Thing, thingsOf } from './render.ts'
import { complaints } from './schema.ts'

interface Kustomization {
  patches?: Patch[]
  transformers?: string[]
  components?: string[]
}
const kustomizations = filesLike('kustomize/**/kustomization.yaml')
const read = (path: string) => parse(textOf(path)) as Kustomization
const kubectl = Bun.which('kubectl')
const components = readdirSync(join(root, 'kustomize/components')).sort()

/** The objects of a folder after some kustomizations of a copy were rewritten. */
function changed(folder: string, files: string[], change: (kustomization: Kustomization) => Kustomization): Thing[] {
  using tree = copyOfTree()
  for (const file of files) {
    const path = join(tree.path, file)
    writeFileSync(path, stringify(change(parse(readFileSync(path, 'utf8')) as Kustomization)))
  }
  return thingsOf(build(folder, tree.path))
}
const withComponents = (...names: string[]) =>
  changed('overlays/prod', ['overlays/prod/kustomization.yaml'], (kustomization) => ({
    ...kustomization,
    components: names.map((name) => `../../components/${name}`),
  }))

/** Whether kubectl's own kustomize is new enough: Debian's kubectl 1.20 carries 2.0.3, which knows no components. */
function hasKustomize5(): boolean {
  if (!kubectl) return false
  const { stdout } = Bun.spawnSync({ cmd: [kubectl, 'version', '--client'], stderr: 'ignore' })
  return /Kustomize Version: v[5-9]/.test(stdout.toString())
}

describe.skipIf(!hasKustomize5())('kubectl’s kustomize 5 builds byte for byte the same, without a warning', () => {
  for (const environment of environments)
    test(environment, () => {
      const folder = `overlays/${environment}`
      expect(printed([kubectl ?? '', 'kustomize', join(root, 'kustomize', folder)])).toBe(build(folder))
    })
})

test('nothing is written in a form that one of the kustomizes refuses or warns of', () => {
  // Deprecated, or rewriting selectors of others, or too new for 4.5.4.
  const banned = [
    ...['commonLabels', 'bases', 'patchesStrategicMerge', 'patchesJson6902', 'vars', 'sortOptions'],
    ...['includeSelectors', 'includeTemplates', 'namePrefix', 'nameSuffix'],
  ]
  const found = kustomizations.flatMap((path) =>
    banned
      .filter((word) => new RegExp(`^\\s*-?\\s*${word}:`, 'm').test(textOf(path)))
      .map((word) => `${path}: ${word}`),
  )
  expect(found).toEqual([])
})

test('every file is part of something', () => {
  const named = /(?:- |path: |=)([\w./-]+\.(?:yaml|xml|conf))$/gm
  const used = new Set(
    kustomizations.flatMap((path) => [
      path,
      ...[...textOf(path).matchAll(named)].map(([, file]) => join(dirname(path), file ?? '')),
    ]),
  )
  const files = filesLike('kustomize/**/*').filter((path) => !path.endsWith('.md'))
  expect(files.filter((path) => !used.has(path))).toEqual([])
})

/** What is idle in the patches of these kustomizations, given what was rendered without and with them. */
function idleIn(files: string[], renders: { before: Thing[]; after: Thing[] }): string[] {
  return files.flatMap((file) => {
    const { patches = [], transformers = [] } = read(file)
    const more = transformers.flatMap((text) => (parse(text) as { paths: string[] }).paths.map((path) => ({ path })))
    return [...patches, ...more].flatMap(({ path, patch, target }: Patch) => {
      const text = patch ?? textOf(join(dirname(file), path ?? ''))
      return idleParts(text, target, renders).map((part) => `${file} ${path ?? 'inline'}: ${part}`)
    })
  })
}

describe('every part of every patch changes something', () => {
  const overlayFiles = filesLike('kustomize/overlays/*/kustomization.yaml')
  const baseFiles = filesLike('kustomize/base/**/kustomization.yaml')
  const componentFiles = filesLike('kustomize/components/*/kustomization.yaml')

  for (const environment of environments)
    test(`of the overlay ${environment}`, () => {
      const file = `kustomize/overlays/${environment}/kustomization.yaml`
      expect(overlayFiles).toContain(file)
      expect(idleIn([file], { before: objects('base'), after: objects(environment) })).toEqual([])
    })

  test('of base', () => {
    const files = baseFiles.map((path) => path.replace('kustomize/', ''))
    const bare = changed('base', files, ({ patches: _patches, components: _components, ...rest }) => rest)
    expect(idleIn(baseFiles, { before: bare, after: objects('base') })).toEqual([])
  })

  test('of the components', () => {
    expect(idleIn(componentFiles, { before: objects('prod'), after: withComponents(...components) })).toEqual([])
  })

  test('and one that repeats what was there, or aims at nothing, is seen', () => {
    const renders = { before: objects('base'), after: objects('prod') }
    const hpa = (name: string, maxReplicas: number) =>
      stringify({ kind: 'HorizontalPodAutoscaler', metadata: { name }, spec: { maxReplicas } })
    expect(idleParts(hpa('ai-service', 10), undefined, renders)).toEqual([])
    expect(idleParts(hpa('ai-service', 1), undefined, renders)).toEqual(['/spec/maxReplicas'])
    expect(idleParts(hpa('nobody', 10), undefined, renders)).toEqual(['/spec/maxReplicas'])
    const remove = stringify([{ op: 'remove', path: '/data/REDIS_URL' }])
    expect(idleParts(remove, { kind: 'ConfigMap' }, renders)).toEqual(['remove /data/REDIS_URL'])
  })
})

describe('components', () => {
  const all = withComponents(...components)
  const isOf = (store: string) => (thing: Thing) => thing.metadata.labels?.app === store

  test('all together leave nothing that points to what they took away', () => {
    expect(all.filter((thing) => isOf('redis')(thing) || isOf('clickhouse')(thing))).toEqual([])
    for (const gone of ['redis://redis', '@clickhouse:', 'prometheus.io/', 'claimName'])
      expect(JSON.stringify(all)).not.toContain(gone)
  })

  for (const store of ['redis', 'clickhouse'])
    test(`external-${store} takes away that store and no other`, () => {
      const things = withComponents(`external-${store}`)
      expect(things.filter(isOf(store))).toEqual([])
      expect(things.filter(isOf(store === 'redis' ? 'clickhouse' : 'redis')).length).toBeGreaterThan(5)
      expect(things.flatMap(complaints)).toEqual([])
    })

  test('bring only the kinds that their first lines announce', () => {
    const added = all.filter(
      ({ kind, metadata }) => !objects('prod').some((one) => one.kind === kind && one.metadata.name === metadata.name),
    )
    expect(added.map(({ kind }) => kind).sort()).toEqual(['HTTPRoute', 'Ingress', 'ServiceMonitor'])
    expect(added.filter(({ kind }) => kind === 'Ingress').flatMap(complaints)).toEqual([])
  })
})
