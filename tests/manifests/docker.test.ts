/** What can be held true of the images and of compose.yaml without an engine to run them. */
import { describe, expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { exists, filesLike, manifests, textOf } from '../walls/tree.ts'
import { objects, podOf, the } from './render.ts'

interface ComposeService {
  image: string
  build?: { context: string; dockerfile: string; args?: Record<string, string> }
  user?: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  ports?: string[]
  volumes?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  stop_grace_period?: string
  healthcheck?: { test: string[] }
}
const compose = parse(textOf('docker/compose.yaml'), { merge: true }) as {
  services: Record<string, ComposeService>
  volumes: Record<string, null>
}
const services = manifests().flatMap(({ manifest: { name, service } }) =>
  service ? [{ name: name.replace('@santaclaude/', ''), ...service }] : [],
)
const serviceOf = (name: string): ComposeService => {
  const found = compose.services[name]
  if (!found) throw new Error(`compose.yaml has no ${name}`)
  return found
}
const configOf = (name: string) => the(objects('prod'), 'ConfigMap', name).data ?? {}

describe('compose.yaml', () => {
  for (const { name, port, needs } of services)
    test(`${name} runs hardened on ${port}, on this machine only, after what it needs`, () => {
      const service = serviceOf(name)
      expect(service.ports).toEqual([`127.0.0.1:${port}:${port}`])
      expect(service.environment?.PORT).toBe(String(port))
      expect(service).toMatchObject({ user: '1000:1000', read_only: true, cap_drop: ['ALL'] })
      expect(service.security_opt).toContain('no-new-privileges:true')
      const stores = needs.filter((need) => need in compose.services)
      expect(Object.keys(service.depends_on ?? {})).toEqual(expect.arrayContaining([...stores, 'keys']))
      const dockerfile = service.build?.dockerfile ?? ''
      expect(dockerfile).toBe(needs.includes('chromium') ? 'docker/browser.Dockerfile' : 'docker/service.Dockerfile')
      if (dockerfile.includes('service')) expect(service.build?.args).toEqual({ SERVICE: name })
      expect(Number.parseInt(service.stop_grace_period ?? '', 10) * 1000).toBeGreaterThanOrEqual(
        Number(service.environment?.DRAIN_MS) + 10_000,
      )
    })

  test('a service is told nothing there that the cluster’s ConfigMap has under another name', () => {
    // Where one machine differs from a cluster: provider keys are variables, and one copy of each service runs.
    const known = new Set(['OPENAI_API_KEY', 'ANTHROPIC_API_KEY'])
    for (const { name } of services) {
      const extra = Object.keys(serviceOf(name).environment ?? {}).filter((key) => !(key in configOf(name)))
      expect([name, extra.filter((key) => !known.has(key))]).toEqual([name, []])
      for (const [key, value] of Object.entries(serviceOf(name).environment ?? {}))
        if (/_URL$/.test(key)) expect([key, value]).toEqual([key, configOf(name)[key] ?? ''])
    }
  })

  test('the stores are the images that the cluster runs, and every file they mount exists', () => {
    for (const store of ['redis', 'clickhouse'])
      expect(serviceOf(store).image).toBe(podOf(the(objects('prod'), 'Deployment', store)).container.image ?? '')
    const mounts = Object.values(compose.services).flatMap(({ volumes }) => volumes ?? [])
    for (const source of mounts.map((mount) => mount.split(':')[0] ?? ''))
      expect(source.startsWith('..') ? exists(join('docker', source)) : source in compose.volumes).toBe(true)
  })

  test('no secret has a value that everybody knows', () => {
    const values = Object.values(compose.services).flatMap(({ environment }) => Object.entries(environment ?? {}))
    const secrets = values.filter(([key]) => /(KEY|PEPPER|PASSWORD|TOKEN)$/.test(key))
    expect(secrets.filter(([, value]) => !/^\$\{[A-Z_]+:-\}$/.test(value))).toEqual([])
  })
})

/** The instructions of a Dockerfile, continued lines joined, as `[word, rest]`. */
const instructions = (path: string) =>
  textOf(path)
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter(Boolean)
    .map((line): [string, string] => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)])

for (const path of filesLike('docker/*.Dockerfile'))
  describe(path, () => {
    const all = instructions(path)
    const last = all.slice(all.findLastIndex(([word]) => word === 'FROM'))
    const of = (word: string, among = all) => among.filter(([one]) => one === word).map(([, rest]) => rest)

    test('is built in stages from pinned images', () => {
      const froms = of('FROM')
      expect(froms.length).toBeGreaterThan(1)
      const values = new Map(of('ARG').map((arg) => arg.split('=') as [string, string]))
      for (const from of froms) {
        const image = from.replace(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '?').split(' ')[0] ?? ''
        expect(image).toMatch(/:(\d+\.\d+\.\d+|trixie-\d{8})-(slim|distroless)$/)
      }
      const bun = JSON.parse(textOf('package.json')).packageManager as string
      expect(values.get('BUN')).toBe(bun.replace('bun@', ''))
    })

    test('runs as 1000 without a shell, Bun being PID 1', () => {
      expect(of('USER', last)).toEqual(['1000:1000'])
      expect(of('ENTRYPOINT', last)).toEqual(['["/usr/local/bin/bun", "src/main.ts"]'])
      expect(of('CMD', last)).toEqual([])
      expect(of('HEALTHCHECK', last)[0]).toMatch(/CMD \["\/usr\/local\/bin\/bun", "-e", /)
    })

    test('installs what the lockfile says, for the one service', () => {
      const run = of('RUN').join('\n')
      expect(run).toMatch(/bun install --frozen-lockfile --production --omit optional --filter "?\.\/apps\//)
    })

    test('copies only what .dockerignore lets in', () => {
      const copies = of('COPY').filter((copy) => !copy.startsWith('--from'))
      expect(copies).toEqual(['. .'])
      const allowed = textOf('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1))
      expect(allowed.filter((entry) => !exists(entry))).toEqual([])
      const needed = ['package.json', 'bun.lock', 'bunfig.toml', 'tsconfig.json', 'apps', 'lib']
      expect(allowed.toSorted()).toEqual(needed.toSorted())
    })
  })

test('every app of the workspace that is a service has an image, and no other', () => {
  const built = Object.values(compose.services).flatMap(({ build }) => (build ? [build] : []))
  expect(built).toHaveLength(services.length)
  for (const { dockerfile, context } of built)
    expect(exists(join(dirname('docker/compose.yaml'), context, dockerfile))).toBe(true)
})
