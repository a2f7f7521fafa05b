import { comparePlaces, type History, partitionOfPlace, topicId } from './history.ts'
import { endOf, publishesOf, sightings } from './ledger.ts'
import { framesBySession } from './publishing-rules.ts'

/** S10: a reader that comes back sees each event once, up to where it is, or is told of the gap. */
export function readersMissNothing(history: History): string[] {
  return [...framesBySession(history)].flatMap(([session, frames]) => {
    const [first] = frames
    const end = first && endOf(history, first)
    if (!first || !end) return []
    const seen = frames.flatMap(({ entry }) => (entry ? [entry.place] : []))
    const found = [...Map.groupBy(seen, (place) => place)]
      .filter(([, same]) => same.length > 1)
      .map(([place]) => `${session}: ${place} was sent twice`)
    const known = new Set(seen)
    const gaps = frames.flatMap(({ gap }) => (gap ? [gap] : []))
    for (const { place } of end.entries) {
      const isPassed = seen.some(
        (other) => partitionOfPlace(other) === partitionOfPlace(place) && comparePlaces(other, place) > 0,
      )
      const isTold = gaps.some(
        ({ partition, from, to }) =>
          partition === partitionOfPlace(place) &&
          comparePlaces(place, `${partition}/${from}`) > 0 &&
          comparePlaces(place, `${partition}/${to}`) <= 0,
      )
      if (isPassed && !known.has(place) && !isTold) found.push(`${session}: ${place} was skipped without a word`)
    }
    return found
  })
}

/** S12: what one tenant published, or is called, reaches no other tenant. */
export function tenantsAreApart(history: History): string[] {
  const owners = new Map<string, Set<string>>()
  for (const { tenant, ids } of publishesOf(history))
    for (const id of ids) owners.set(id, (owners.get(id) ?? new Set()).add(tenant))
  const leaked = sightings(history)
    .filter(({ id, tenant }) => owners.has(id) && !owners.get(id)?.has(tenant))
    .map(({ id, ...at }) => `${id} is another tenant's and was seen in ${topicId(at)}`)
  const tenants = new Set(history.topics.map(({ tenant }) => tenant))
  const named = history.acts.flatMap((act) =>
    act.kind === 'said'
      ? [...tenants]
          .filter((other) => other !== act.tenant && act.text.includes(other))
          .map((other) => `${act.tenant} was told of ${other}: ${act.text.slice(0, 200)}`)
      : [],
  )
  return [...leaked, ...named]
}

/** E1: whatever happens, an answer names its reason; `internal` is none. */
export const refusalsAreNamed = (history: History): string[] =>
  history.acts.flatMap((act) =>
    'code' in act && act.code === 'internal' ? [`${topicId(act)}: a ${act.kind} was answered 'internal'`] : [],
  )
