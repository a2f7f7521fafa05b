/** What every workload of every environment obeys. */
import { describe, expect, test } from 'bun:test'
import { manifests } from '../walls/tree.ts'
import { containersOf, environments, matches, objects, ofKind, podOf, type Thing, the } from './render.ts'
import { builtInKinds, complaints } from './schema.ts'

const services = manifests().flatMap(({ manifest: { name, version, service } }) =>
  service ? [{ name: name.replace('@santaclaude/', ''), version, ...service }] : [],
)
const bytesOf = (quantity: unknown) => {
  const [, number, unit = ''] = /^([\d.]+)(Ki|Mi|Gi|mb|gb)?$/.exec(String(quantity)) ?? []
  const units: Record<string, number> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, mb: 2 ** 20, gb: 2 ** 30 }
  return Number(number) * (units[unit] ?? Number.NaN)
}
const milliCpusOf = (quantity: unknown) => {
  const text = String(quantity)
  return text.endsWith('m') ? Number(text.slice(0, -1)) : Number(text) * 1000
}
const namesOf = (things: Thing[]) => things.map(({ metadata }) => metadata.name)

test('the five services are the apps that say so in their package.json, at their ports and versions', () => {
  expect(services).toHaveLength(5)
  for (const { name, port, version } of services) {
    const { container } = podOf(the(objects('prod'), 'Deployment', name))
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }])
    expect(container.image).toBe(`santaclaude/${name}:${version}`)
    expect(the(objects('prod'), 'ConfigMap', name).data?.PORT).toBe(String(port))
  }
})

test('who needs Redis or ClickHouse may reach it, and nobody else', () => {
  const things = objects('prod')
  const reachers = (store: string) =>
    ofKind(things, 'NetworkPolicy')
      .filter(({ spec }) =>
        spec?.egress?.some(({ to }) => to?.some((peer) => peer.podSelector?.matchLabels?.app === store)),
      )
      .flatMap(({ spec }) =>
        services.filter(({ name }) =>
          matches(spec?.podSelector?.matchLabels, podOf(the(things, 'Deployment', name)).labels),
        ),
      )
      .map(({ name }) => name)
      .sort()
  for (const store of ['redis', 'clickhouse']) {
    const needing = services.filter(({ needs }) => needs.includes(store)).map(({ name }) => name)
    expect(reachers(store)).toEqual(needing.sort())
  }
})

for (const environment of environments)
  describe(environment, () => {
    const things = objects(environment)
    const deployments = ofKind(things, 'Deployment')
    const isService = ({ metadata }: Thing) => services.some(({ name }) => name === metadata.name)

    test('holds built-in kinds only, so it applies to a bare cluster, and fits their schemas to the last field', () => {
      const kinds = things.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
      expect(kinds.filter((kind) => !builtInKinds.includes(kind))).toEqual([])
      expect(things.flatMap((thing) => complaints(thing).map((one) => `${thing.metadata.name}: ${one}`))).toEqual([])
    })

    test('every pod has the seed’s security context, and the restricted profile’s', () => {
      for (const deployment of deployments) {
        const { pod } = podOf(deployment)
        expect(pod.automountServiceAccountToken).toBe(false)
        expect(pod.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 1000,
          fsGroup: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        })
        expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC ?? false).toBe(false)
        expect(pod.volumes?.filter((volume) => volume.hostPath)).toEqual([])
        for (const { securityContext } of containersOf(deployment))
          expect(securityContext).toMatchObject({
            runAsNonRoot: true,
            runAsUser: 1000,
            privileged: false,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          })
      }
    })

    test('every pod is its workload’s alone: selectors, Services, budgets and scalers find what they name', () => {
      const pods = deployments.map((deployment) => ({ name: deployment.metadata.name, ...podOf(deployment) }))
      const found = (selector: Record<string, string> | undefined) =>
        pods.filter(({ labels }) => matches(selector, labels)).map(({ name }) => name)
      for (const { metadata, spec } of deployments) expect(found(spec?.selector.matchLabels)).toEqual([metadata.name])
      for (const { metadata, spec } of ofKind(things, 'Service')) {
        expect(found(spec?.selector)).toEqual([metadata.name])
        const open = podOf(the(things, 'Deployment', metadata.name)).container.ports ?? []
        for (const { targetPort, port } of spec?.ports ?? [])
          expect(open.find(({ name }) => name === targetPort)?.containerPort).toBe(port)
      }
      for (const { metadata, spec } of ofKind(things, 'PodDisruptionBudget')) {
        expect(found(spec?.selector?.matchLabels)).toEqual([metadata.name])
        expect(spec?.maxUnavailable).toBe(1)
      }
      for (const { spec } of ofKind(things, 'HorizontalPodAutoscaler')) {
        const { apiVersion, kind, metadata } = the(things, 'Deployment', spec?.scaleTargetRef.name ?? '')
        expect(spec?.scaleTargetRef).toEqual({ apiVersion, kind, name: metadata.name })
      }
    })

    test('every policy selects some pod, and each of its ports is a name that some pod has, or DNS, or the web', () => {
      const labels = deployments.map((deployment) => podOf(deployment).labels)
      const names = deployments.flatMap((deployment) => podOf(deployment).container.ports?.map(({ name }) => name))
      for (const { metadata, spec } of ofKind(things, 'NetworkPolicy')) {
        expect([metadata.name, labels.some((one) => matches(spec?.podSelector?.matchLabels ?? {}, one))]).toEqual([
          metadata.name,
          true,
        ])
        const rules = [...(spec?.ingress ?? []), ...(spec?.egress ?? [])]
        for (const { port } of rules.flatMap((rule) => rule.ports ?? []))
          expect([53, 80, 443, ...names]).toContain(port as number | string)
        // A rule without ports, or an egress rule without peers, would open everything.
        for (const rule of rules) expect(rule.ports?.length).toBeGreaterThan(0)
        for (const rule of spec?.egress ?? []) expect(rule.to?.length).toBeGreaterThan(0)
      }
      const [denial] = ofKind(things, 'NetworkPolicy').filter(({ metadata }) => metadata.name === 'default-deny')
      expect(denial?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
    })

    test('everything a pod refers to exists, but for the Secrets that people make', () => {
      for (const deployment of deployments) {
        const { pod, container } = podOf(deployment)
        expect(namesOf(ofKind(things, 'ServiceAccount'))).toContain(pod.serviceAccountName ?? '')
        const configMaps = [
          ...(container.envFrom ?? []).map(({ configMapRef }) => configMapRef?.name ?? ''),
          ...(pod.volumes ?? []).flatMap(({ configMap }) => (configMap ? [configMap.name ?? ''] : [])),
        ]
        for (const name of configMaps) expect(namesOf(ofKind(things, 'ConfigMap'))).toContain(name)
        const claims = (pod.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim ?? [])
        for (const { claimName } of claims)
          expect(namesOf(ofKind(things, 'PersistentVolumeClaim'))).toContain(claimName)
        expect(container.volumeMounts?.map(({ name }) => name).toSorted()).toEqual(
          pod.volumes?.map(({ name }) => name).toSorted() ?? [],
        )
        const secrets = (pod.volumes ?? []).flatMap(({ secret }) => (secret ? [secret] : []))
        expect(secrets.filter(({ optional }) => !optional)).toEqual([])
        for (const { secretName } of secrets)
          expect(['santaclaude-keys', 'ai-service-secrets']).toContain(secretName ?? '')
        // Files, never variables: a rotated key then reaches a running pod, and no process listing shows it.
        expect(container.env ?? []).toEqual([])
      }
      expect(things.filter(({ kind }) => kind === 'Secret')).toEqual([])
    })

    test('every file that a ConfigMap names is under a mount of that pod', () => {
      for (const { metadata, data } of ofKind(things, 'ConfigMap').filter(isService)) {
        const mounts = podOf(the(things, 'Deployment', metadata.name)).container.volumeMounts ?? []
        const files = Object.entries(data ?? {}).filter(([key]) => /_(FILE|DIR)$/.test(key))
        for (const [, path] of files) expect(mounts.some(({ mountPath }) => path.startsWith(mountPath))).toBe(true)
      }
    })

    test('an autoscaled workload has no number of replicas of its own, for an apply to put back', () => {
      for (const { spec } of ofKind(things, 'HorizontalPodAutoscaler'))
        expect(the(things, 'Deployment', spec?.scaleTargetRef.name ?? '').spec?.replicas).toBeUndefined()
    })

    test('a pod gets longer to stop than its service takes', () => {
      for (const { name } of services) {
        const { data } = the(things, 'ConfigMap', name)
        const graceSeconds = podOf(the(things, 'Deployment', name)).pod.terminationGracePeriodSeconds ?? 0
        // What the chassis adds after the drain: the port's end, and the closing of what it owns.
        const closingMs = 10_000
        expect(graceSeconds * 1000).toBeGreaterThanOrEqual(
          Number(data?.LAME_DUCK_MS) + Number(data?.DRAIN_MS) + closingMs,
        )
      }
    })

    test('every container says what it needs and what it may take, and starts, lives and serves by probe', () => {
      for (const deployment of deployments)
        for (const { resources, startupProbe, livenessProbe, readinessProbe } of containersOf(deployment)) {
          const { requests = {}, limits = {} } = resources ?? {}
          expect(bytesOf(requests.memory)).toBeLessThanOrEqual(bytesOf(limits.memory))
          expect(milliCpusOf(requests.cpu)).toBeLessThanOrEqual(milliCpusOf(limits.cpu))
          expect([startupProbe, livenessProbe, readinessProbe]).not.toContain(undefined)
        }
    })

    test('a service is taken out of service by another path than the one it is restarted by', () => {
      for (const { container } of deployments.filter(isService).map(podOf))
        expect(container.readinessProbe?.httpGet?.path).not.toBe(container.livenessProbe?.httpGet?.path)
    })

    test('Redis leaves 40 % of its memory for the copy that rewriting its file takes', () => {
      const { container } = podOf(the(things, 'Deployment', 'redis'))
      const [flag, maxmemory] = container.args ?? []
      expect(flag).toBe('--maxmemory')
      expect(bytesOf(maxmemory)).toBeLessThanOrEqual(0.6 * bytesOf(container.resources?.limits?.memory))
    })

    test('browsers’ shared memory fits in what they ask for', () => {
      const { pod, container } = podOf(the(things, 'Deployment', 'browser-pool-service'))
      const shm = pod.volumes?.find(({ emptyDir }) => emptyDir?.medium === 'Memory')?.emptyDir?.sizeLimit
      expect(2 * bytesOf(shm)).toBeLessThanOrEqual(bytesOf(container.resources?.limits?.memory))
    })
  })
