import { comparePlaces, type History, type Publish, partitionOfPlace, topicId } from './history.ts'
import { effectsOn, endOf, groupBooks, loses, publishesOf, sightings, struck } from './ledger.ts'

/** S1: an acknowledged publish is there at the end, unless a fault that may lose it struck after it. */
export function nothingAcknowledgedIsLost(history: History): string[] {
  return [...lostPlaces(history, true), ...lostWaits(history)].map(
    ({ id, place, topic }) => `${topic}: ${id} at ${place} was acknowledged and is gone`,
  )
}

/** S11: retention removes only what every group has settled. */
export function retentionSparesTheUnsettled(history: History): string[] {
  const books = groupBooks(history).filter(({ isSteady }) => isSteady)
  return lostPlaces(history, false).flatMap(({ id, place, topic }) =>
    books
      .filter((book) => topicId(book) === topic)
      .filter((book) => {
        const isDead = book.end?.deadLetters.some((letter) => letter.place === place)
        return !isDead && !effectsOn(book, place).some(({ op }) => op === 'ack' || op === 'term')
      })
      .map(({ group }) => `${topic}: ${id} at ${place} was removed, and ${group} had not settled it`),
  )
}

/** Acknowledged events that are gone from topics that keep, or do not keep, everything. */
function lostPlaces(history: History, keepsAll: boolean) {
  return history.topics
    .filter((fact) => fact.keepsAll === keepsAll)
    .flatMap((fact) => {
      const end = endOf(history, fact)
      if (!end) return []
      const kept = new Map(end.entries.map(({ place, id }) => [place, id]))
      const publishes = publishesOf(history, fact)
      return publishes.flatMap((publish) =>
        publish.results.flatMap(({ place }, n) => {
          const id = publish.ids[n] ?? ''
          if (kept.get(place) === id || mayBeLost(history, { publish, place, publishes, kept })) return []
          return [{ id, place, topic: topicId(fact) }]
        }),
      )
    })
}

/** Delayed events that were acknowledged and never came. */
function lostWaits(history: History) {
  return history.topics
    .filter(({ keepsAll }) => keepsAll)
    .flatMap((fact) => {
      const kept = new Set(endOf(history, fact)?.entries.map(({ id }) => id))
      return publishesOf(history, fact)
        .filter(({ delayMs, outcome }) => delayMs !== undefined && outcome === 'ok')
        .filter(({ startMs }) => !struck(history, { fromMs: startMs, toMs: Number.POSITIVE_INFINITY }, loses))
        .flatMap(({ ids }) => ids.filter((id) => !kept.has(id)))
        .map((id) => ({ id, place: 'its time', topic: topicId(fact) }))
    })
}

/**
 * A cut tail may take the newest events only: an event is excused when nothing that was acknowledged after it, and
 * before the cut, is still in its partition.
 */
function mayBeLost(
  { faults }: History,
  lost: { publish: Publish; place: string; publishes: Publish[]; kept: Map<string, string> },
): boolean {
  const { publish, place, publishes, kept } = lost
  return faults.some((fault) => {
    if (fault.loses === undefined || fault.endMs < publish.startMs) return false
    if (fault.loses === 'all') return true
    return !publishes.some(
      (other) =>
        other.endMs < fault.startMs &&
        other.results.some(
          (result) =>
            kept.has(result.place) &&
            partitionOfPlace(result.place) === partitionOfPlace(place) &&
            comparePlaces(result.place, place) > 0,
        ),
    )
  })
}

/** S2: nothing is seen that nobody tried to publish, and what was refused is never seen. */
export function nothingComesFromNowhere(history: History): string[] {
  const tried = new Map<string, Publish[]>()
  for (const publish of publishesOf(history))
    for (const id of publish.ids) tried.set(id, [...(tried.get(id) ?? []), publish])
  const found = new Set<string>()
  for (const { id, ...at } of sightings(history)) {
    const attempts = (tried.get(id) ?? []).filter((publish) => topicId(publish) === topicId(at))
    if (attempts.length === 0) found.add(`${topicId(at)}: ${id} was never published here`)
    else if (attempts.every(({ outcome }) => outcome === 'refused'))
      found.add(`${topicId(at)}: ${id} was refused (${attempts[0]?.code}) and is there`)
  }
  return [...found]
}

/** S3: however often an event is sent, it lies in one place, every answer names that place, and one says it is new. */
export function repeatsAddNothing(history: History): string[] {
  const found: string[] = []
  const places = Map.groupBy(sightings(history), ({ id, ...at }) => `${topicId(at)} ${id}`)
  const answers = new Map<string, { place: string; isDuplicate: boolean }[]>()
  const spans = new Map<string, { fromMs: number; toMs: number }>()
  // A dead letter whose place was lost comes back at a new one.
  const moves = history.faults.some(loses) && history.acts.some(({ kind }) => kind === 'redrive')
  for (const publish of publishesOf(history))
    for (const [n, id] of publish.ids.entries()) {
      const key = `${topicId(publish)} ${id}`
      const result = publish.results[n]
      if (result) answers.set(key, [...(answers.get(key) ?? []), result])
      const span = spans.get(key) ?? { fromMs: publish.startMs, toMs: publish.endMs }
      spans.set(key, { fromMs: Math.min(span.fromMs, publish.startMs), toMs: Math.max(span.toMs, publish.endMs) })
    }
  for (const [key, span] of spans) {
    if (struck(history, span, loses)) continue
    const told = answers.get(key) ?? []
    const all = new Set([
      ...told.map(({ place }) => place),
      ...(moves ? [] : (places.get(key) ?? [])).map(({ place }) => place),
    ])
    if (all.size > 1) found.push(`${key} lies at ${[...all].join(' and ')}`)
    if (told.filter(({ isDuplicate }) => !isDuplicate).length > 1) found.push(`${key} was answered as new twice`)
  }
  return found
}

/** S4: ids grow in a partition: in what is read, and from one acknowledged publish to one sent after it. */
export function idsGrow(history: History): string[] {
  const found: string[] = []
  for (const end of history.end.topics)
    found.push(...falls(end.entries.map(({ place }) => place)).map((place) => `${topicId(end)}: ${place} read late`))
  for (const [session, frames] of framesBySession(history)) {
    let places: string[] = []
    for (const { entry, gap } of frames) {
      if (gap?.isNewEpoch) places = places.filter((place) => partitionOfPlace(place) !== gap.partition)
      if (entry) places.push(entry.place)
    }
    found.push(...falls(places).map((place) => `${session}: ${place} came again or late`))
  }
  for (const fact of history.topics) found.push(...appendsThatFall(history, publishesOf(history, fact)))
  return found
}

function appendsThatFall(history: History, publishes: Publish[]): string[] {
  const found: string[] = []
  const added = publishes.flatMap((publish) =>
    publish.results.flatMap(({ place, isDuplicate }, n) => (isDuplicate ? [] : [{ publish, place, n }])),
  )
  for (const [, own] of Map.groupBy(added, ({ place }) => partitionOfPlace(place))) {
    const byEnd = own.toSorted((a, b) => a.publish.endMs - b.publish.endMs || a.n - b.n)
    for (const [at, later] of byEnd.entries())
      for (const earlier of byEnd.slice(Math.max(0, at - 50), at)) {
        const isAfter = earlier.publish === later.publish || earlier.publish.endMs < later.publish.startMs
        const span = { fromMs: earlier.publish.startMs, toMs: later.publish.endMs }
        if (isAfter && comparePlaces(later.place, earlier.place) <= 0 && !struck(history, span, loses))
          found.push(`${topicId(later.publish)}: ${later.place} was given after ${earlier.place}`)
      }
  }
  return found
}

/** The places that do not lie after an earlier one of their partition. */
function falls(places: string[]): string[] {
  const last = new Map<number, string>()
  return places.filter((place) => {
    const before = last.get(partitionOfPlace(place))
    last.set(partitionOfPlace(place), place)
    return before !== undefined && comparePlaces(place, before) <= 0
  })
}

export const framesBySession = (history: History) =>
  Map.groupBy(
    history.acts.filter((act) => act.kind === 'frame'),
    ({ session }) => session,
  )
