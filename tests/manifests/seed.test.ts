/** What the seed document names, object by object and figure by figure; where we differ, kustomize/README.md says why. */
import { describe, expect, test } from 'bun:test'
import { textOf } from '../walls/tree.ts'
import { type Environment, environments, objects, ofKind, podOf, the } from './render.ts'

const prod = objects('prod')
const volumeOf = (name: string, mountPath: string) => {
  const { pod, container } = podOf(the(prod, 'Deployment', name))
  const mount = container.volumeMounts?.find((one) => one.mountPath === mountPath)
  return pod.volumes?.find((volume) => volume.name === mount?.name)
}
const storageOf = (claim: string) => the(prod, 'PersistentVolumeClaim', claim).spec?.resources?.requests?.storage
const portsOf = (name: string) => the(prod, 'Service', name).spec?.ports?.map(({ port }) => port)

const services = {
  'projectflow-ai': { port: 8000 },
  'ai-service': { port: 8001, replicas: [2, 10], utilization: [70, 80] },
  'browser-pool-service': { port: 8002, replicas: [2, 5], utilization: [60, 70] },
  'audit-sink-service': { port: 8003, replicas: [2, 8], utilization: [70, 80] },
  'message-queue-service': { port: 8004, replicas: [2, 6], utilization: [70, 80] },
}

test('everything lives in the namespace santaclaude', () => {
  for (const environment of environments) {
    const things = objects(environment)
    expect(ofKind(things, 'Namespace').map(({ metadata }) => metadata.name)).toEqual(['santaclaude'])
    const elsewhere = things.filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'santaclaude',
    )
    expect(elsewhere).toEqual([])
  }
})

for (const [name, figures] of Object.entries(services)) {
  describe(name, () => {
    test('has its objects, each labelled app, in every environment', () => {
      for (const environment of environments)
        for (const kind of [
          ...(['Deployment', 'Service', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'] as const),
          ...(['ServiceAccount', 'ConfigMap'] as const),
        ])
          expect(the(objects(environment), kind, name).metadata.labels?.app).toBe(name)
    })

    test(`listens on ${figures.port} and is scraped there at /metrics`, () => {
      expect(portsOf(name)).toEqual([figures.port])
      expect(the(prod, 'Deployment', name).spec?.template.metadata?.annotations).toMatchObject({
        'prometheus.io/scrape': 'true',
        'prometheus.io/path': '/metrics',
        'prometheus.io/port': String(figures.port),
      })
    })

    test('is probed at /health and /ready, and given time to start', () => {
      const { container } = podOf(the(prod, 'Deployment', name))
      expect(container.livenessProbe?.httpGet?.path).toBe('/health')
      expect(container.readinessProbe?.httpGet?.path).toBe('/ready')
      expect(container.startupProbe?.httpGet?.path).toBe('/health')
    })

    if ('replicas' in figures)
      test('scales in prod between the seed’s numbers, at the seed’s thresholds', () => {
        const { spec } = the(prod, 'HorizontalPodAutoscaler', name)
        expect([spec?.minReplicas, spec?.maxReplicas]).toEqual(figures.replicas)
        const targets = spec?.metrics?.map(({ resource }) => [resource?.name, resource?.target.averageUtilization])
        expect(targets).toEqual([
          ['cpu', figures.utilization[0]],
          ['memory', figures.utilization[1]],
        ])
      })
  })
}

test('ai-service has the seed’s sizes in prod', () => {
  expect(podOf(the(prod, 'Deployment', 'ai-service')).container.resources).toMatchObject({
    requests: { memory: '256Mi', cpu: '100m' },
    limits: { memory: '512Mi', cpu: '500m' },
  })
})

test('ai-service keeps 1Gi a replica at /app/data', () => {
  const claim = volumeOf('ai-service', '/app/data')?.ephemeral?.volumeClaimTemplate
  expect(claim?.spec.resources?.requests?.storage).toBe('1Gi')
  expect(claim?.spec.accessModes).toEqual(['ReadWriteOnce'])
})

test('provider keys come as files of ai-service-secrets, which may be missing', () => {
  const secret = volumeOf('ai-service', '/run/secrets/ai-service-secrets')?.secret
  expect(secret).toMatchObject({ secretName: 'ai-service-secrets', optional: true })
  expect(the(prod, 'ConfigMap', 'ai-service').data).toMatchObject({
    OPENAI_API_KEY_FILE: '/run/secrets/ai-service-secrets/openai-api-key',
    ANTHROPIC_API_KEY_FILE: '/run/secrets/ai-service-secrets/anthropic-api-key',
  })
})

test('browsers prefer their nodes, have memory to share, and run without a sandbox of their own', () => {
  const { pod } = podOf(the(prod, 'Deployment', 'browser-pool-service'))
  const [preferred] = pod.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  expect(preferred?.preference.matchExpressions).toEqual([
    { key: 'node-type', operator: 'In', values: ['browser-pool'] },
  ])
  expect(volumeOf('browser-pool-service', '/dev/shm')?.emptyDir?.medium).toBe('Memory')
  expect(the(prod, 'ConfigMap', 'browser-pool-service').data?.ENABLE_SANDBOX).toBe('false')
})

test('Redis keeps 1Gi at /data, writes everything down and evicts nothing', () => {
  expect(volumeOf('redis', '/data')?.persistentVolumeClaim?.claimName).toBe('redis')
  expect(storageOf('redis')).toBe('1Gi')
  expect(portsOf('redis')).toEqual([6379])
  const [config] = ofKind(prod, 'ConfigMap').filter(({ metadata }) => metadata.name.startsWith('redis-'))
  expect(config?.data?.['redis.conf']).toMatch(/^appendonly yes$/m)
  expect(config?.data?.['redis.conf']).toMatch(/^maxmemory-policy noeviction$/m)
})

test('ClickHouse keeps 5Gi, answers on both ports, and has a disk named backups on a volume of its own', () => {
  expect(volumeOf('clickhouse', '/var/lib/clickhouse')?.persistentVolumeClaim?.claimName).toBe('clickhouse')
  expect(volumeOf('clickhouse', '/backups')?.persistentVolumeClaim?.claimName).toBe('clickhouse-backups')
  expect(storageOf('clickhouse')).toBe('5Gi')
  expect(portsOf('clickhouse')).toEqual([8123, 9000])
  const [config] = ofKind(prod, 'ConfigMap').filter(({ metadata }) => metadata.name.startsWith('clickhouse-config-'))
  const xml = config?.data?.['santaclaude.xml'] ?? ''
  expect(xml).toMatch(/<disks>\s*<backups>\s*<type>local<\/type>\s*<path>\/backups\/<\/path>/)
  expect(xml).toContain('<allowed_disk>backups</allowed_disk>')
})

test('`kubectl exec deployment/redis` and `deployment/clickhouse` reach one pod each', () => {
  for (const name of ['redis', 'clickhouse']) {
    const { spec } = the(prod, 'Deployment', name)
    expect(spec?.replicas).toBe(1)
    expect(spec?.strategy?.type).toBe('Recreate')
  }
})

test('the environments differ in replicas, thresholds and sizes of every service', () => {
  const figures = (environment: Environment, name: string) => {
    const { spec } = the(objects(environment), 'HorizontalPodAutoscaler', name)
    const { container } = podOf(the(objects(environment), 'Deployment', name))
    return [
      JSON.stringify([spec?.minReplicas, spec?.maxReplicas]),
      JSON.stringify(spec?.metrics),
      JSON.stringify(container.resources),
    ]
  }
  for (const name of Object.keys(services)) {
    const [dev, staging, production] = environments.map((environment) => figures(environment, name))
    for (const part of [0, 1, 2]) expect(new Set([dev?.[part], staging?.[part], production?.[part]]).size).toBe(3)
  }
})

test('the README’s table of figures says what the overlays say', () => {
  const readme = textOf('kustomize/README.md')
  for (const name of Object.keys(services)) {
    const cells = environments.map((environment) => {
      const { spec } = the(objects(environment), 'HorizontalPodAutoscaler', name)
      const targets = spec?.metrics?.map(({ resource }) => `${resource?.target.averageUtilization} %`) ?? []
      return [`${spec?.minReplicas}-${spec?.maxReplicas}`, ...targets].join(' · ')
    })
    expect(readme).toMatch(new RegExp(`^\\| ${name}[^|]*\\| ${cells.join(' \\| ')} \\|$`, 'm'))
  }
  const sizes = environments.map((environment) => {
    const { requests, limits } = podOf(the(objects(environment), 'Deployment', 'ai-service')).container.resources ?? {}
    return `${requests?.cpu}, ${requests?.memory} → ${limits?.cpu}, ${limits?.memory}`
  })
  expect(readme).toContain(`| ${sizes.join(' | ')} |`)
})
