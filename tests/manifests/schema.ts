import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'
import { validate as hpa } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler'
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace'
import { validate as claim } from 'kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim'
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service'
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount'
import { validate as ingress } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress'
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy'
import { validate as pdb } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'

/** A validator compiled from Kubernetes' own OpenAPI document; it leaves its complaints on itself. */
type Validator = ((data: unknown) => boolean) & { errors?: { instancePath: string; keyword: string }[] | null }

const validators: Record<string, Validator> = {
  'apps/v1 Deployment': deployment,
  'autoscaling/v2 HorizontalPodAutoscaler': hpa,
  'networking.k8s.io/v1 Ingress': ingress,
  'networking.k8s.io/v1 NetworkPolicy': networkPolicy,
  'policy/v1 PodDisruptionBudget': pdb,
  'v1 ConfigMap': configMap,
  'v1 Namespace': namespace,
  'v1 PersistentVolumeClaim': claim,
  'v1 Service': service,
  'v1 ServiceAccount': serviceAccount,
}

/** The built-in kinds that may appear in an overlay, as `apiVersion kind`. */
export const builtInKinds = Object.keys(validators)

/** What is wrong with an object by Kubernetes' schemas, unknown fields included, as paths with a reason. */
export function complaints(thing: { apiVersion: string; kind: string }): string[] {
  const validate = validators[`${thing.apiVersion} ${thing.kind}`]
  if (!validate) return [`${thing.apiVersion} ${thing.kind} is not a kind we know`]
  const looked = new Map<object, Set<PropertyKey>>()
  validate(watched(thing, looked))
  const wrong = (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`)
  return [...wrong, ...unlooked(thing, looked).map((path) => `${path} unknown field`)]
}

/**
 * The validators pass over fields that the schema does not know, which is where a misspelt probe hides. But they look at
 * every field that it does know: what none of them looked at is unknown.
 */
function watched<T extends object>(thing: T, looked: Map<object, Set<PropertyKey>>): T {
  const fields = looked.get(thing) ?? new Set<PropertyKey>()
  looked.set(thing, fields)
  return new Proxy(thing, {
    get(target, field) {
      fields.add(field)
      const value: unknown = Reflect.get(target, field)
      return typeof value === 'object' && value !== null ? watched(value, looked) : value
    },
  })
}

function unlooked(thing: object, looked: Map<object, Set<PropertyKey>>, path = ''): string[] {
  const fields = looked.get(thing)
  return Object.entries(thing).flatMap(([field, value]: [string, unknown]) => {
    if (!fields?.has(field)) return [`${path}/${field}`]
    return typeof value === 'object' && value !== null ? unlooked(value, looked, `${path}/${field}`) : []
  })
}
