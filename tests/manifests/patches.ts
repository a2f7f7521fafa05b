import { isDeepStrictEqual } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { matches, type Thing } from './render.ts'

/** One entry of a kustomization's `patches`, or a file that one of its transformers reads. */
export interface Patch {
  path?: string
  patch?: string
  target?: { kind?: string; name?: string; labelSelector?: string }
}
interface Operation {
  op: 'add' | 'replace' | 'remove'
  path: string
  value?: unknown
}
interface Renders {
  before: Thing[]
  after: Thing[]
}

/**
 * What of a patch changed nothing between two renders: each operation of a JSON patch, each plain value of a strategic
 * one, each object of a deletion must be seen in at least one of the objects it aims at.
 */
export function idleParts(text: string, target: Patch['target'], { before, after }: Renders): string[] {
  return parseAllDocuments(text).flatMap((document) => {
    const patch = document.toJS() as Operation[] | Thing
    const own = Array.isArray(patch) ? {} : { kind: patch.kind, name: patch.metadata.name }
    const pairs = aimedAt(target ?? own, before).map((thing) => ({ was: thing, is: after.find(same(thing)) }))
    if (!Array.isArray(patch) && '$patch' in patch)
      return pairs.length > 0 ? pairs.filter(({ is }) => is).map(({ was }) => was.metadata.name) : ['nothing to delete']
    const parts = Array.isArray(patch) ? patch.map(operationPart) : leaves(patch).filter(isFigure).map(leafPart)
    return parts.filter(({ changed }) => !pairs.some(changed)).map(({ name }) => name)
  })
}

const same = (thing: Thing) => (other: Thing) =>
  other.kind === thing.kind && bareName(other.metadata.name) === bareName(thing.metadata.name)

/** A generated ConfigMap's name without its hash. */
const bareName = (name: string) => name.replace(/-[a-z0-9]{10}$/, '')

function aimedAt({ kind, name, labelSelector }: NonNullable<Patch['target']>, things: Thing[]): Thing[] {
  const labels = Object.fromEntries(
    (labelSelector ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=')),
  )
  return things.filter(
    (thing) =>
      (!kind || new RegExp(`^(${kind})$`).test(thing.kind)) &&
      (!name || new RegExp(`^(${name})$`).test(thing.metadata.name)) &&
      matches(labels, thing.metadata.labels ?? {}),
  )
}

interface Pair {
  was: Thing
  is: Thing | undefined
}

const operationPart = ({ op, path, value }: Operation) => ({
  name: `${op} ${path}`,
  changed({ was, is }: Pair): boolean {
    if (!path.endsWith('/-')) {
      const [had, has] = [at(was, path), at(is, path)]
      return !isDeepStrictEqual(had, has) && isDeepStrictEqual(has, value)
    }
    const list = (thing: unknown) => (at(thing, path.slice(0, -2)) ?? []) as unknown[]
    const has = (thing: unknown) => list(thing).some((item) => isDeepStrictEqual(item, value))
    return !has(was) && has(is)
  },
})

const leafPart = ([path, value]: [string, unknown]) => ({
  name: path,
  changed({ was, is }: Pair): boolean {
    const [had, has] = [new Map(leaves(was)).get(path), new Map(leaves(is)).get(path)]
    return had !== value && has === value
  },
})

/** What names an object, or an item of a list, is not what the patch changes. */
const isFigure = ([path]: [string, unknown]) => !/^\/(apiVersion|kind|metadata)|\/(name|mountPath|type)$/.test(path)

/** Every plain value with its path; an item of a list goes by its name where it has one, since lists are merged. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, one]: [string, { name?: string; mountPath?: string } | undefined]) => {
    const label = Array.isArray(value) ? (one?.name ?? one?.mountPath ?? key) : key
    return leaves(one, `${path}/${label}`)
  })
}

/** The value at a JSON pointer. */
const at = (thing: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], thing)
