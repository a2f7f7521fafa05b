import {
  type Delivered,
  type Fault,
  type GroupAt,
  type GroupEnd,
  type GroupFact,
  groupId,
  type History,
  type Publish,
  type Pull,
  type Settle,
  type TopicAt,
  type TopicEnd,
  topicId,
} from './history.ts'

/** One delivery with the pull that brought it. */
export interface Handed extends Delivered {
  startMs: number
  endMs: number
}

/** One settlement with the request that carried it. */
export interface Settled {
  receipt: string
  op: Settle['items'][number]['op']
  delayMs: number
  result: Settle['items'][number]['result']
  startMs: number
  endMs: number
}

/** The acts of one group, in the order of their answers. */
export interface GroupBook extends GroupFact {
  pulls: Pull[]
  handed: Handed[]
  byPlace: Map<string, Handed[]>
  settledBy: Map<string, Settled[]>
  /** From then on dead letters may come back; never = Infinity. */
  redrivenFromMs: number
  end: GroupEnd | undefined
}

export const groupBooks = (history: History): GroupBook[] =>
  history.groups.map((fact) => {
    const isOurs = (act: GroupAt) => groupId(act) === groupId(fact)
    const pulls = history.acts.filter((act): act is Pull => act.kind === 'pull' && isOurs(act))
    pulls.sort((a, b) => a.endMs - b.endMs)
    const handed = pulls.flatMap(({ deliveries, startMs, endMs }) =>
      deliveries.map((delivery) => ({ ...delivery, startMs, endMs })),
    )
    const settled = history.acts
      .filter((act): act is Settle => act.kind === 'settle' && isOurs(act))
      .flatMap(({ items, startMs, endMs }) => items.map((item) => ({ delayMs: 0, ...item, startMs, endMs })))
    return {
      ...fact,
      pulls,
      handed,
      byPlace: Map.groupBy(handed, ({ place }) => place),
      settledBy: Map.groupBy(settled, ({ receipt }) => receipt),
      redrivenFromMs: Math.min(
        Number.POSITIVE_INFINITY,
        ...history.acts.flatMap((act) => (act.kind === 'redrive' && isOurs(act) ? [act.startMs] : [])),
      ),
      end: history.end.groups.find(isOurs),
    }
  })

/** The settlements of every delivery of one place that were, or may have been, accepted. */
export function effectsOn(book: GroupBook, place: string): Settled[] {
  const receipts = new Set((book.byPlace.get(place) ?? []).map(({ receipt }) => receipt))
  return [...receipts].flatMap((receipt) => book.settledBy.get(receipt) ?? []).filter(({ result }) => result !== 'lost')
}

export const publishesOf = (history: History, at?: TopicAt): Publish[] =>
  history.acts.filter(
    (act): act is Publish => act.kind === 'publish' && (at === undefined || topicId(act) === topicId(at)),
  )

export const endOf = (history: History, at: TopicAt): TopicEnd | undefined =>
  history.end.topics.find((end) => topicId(end) === topicId(at))

/** Whether a fault of this kind touched the time between two moments. */
export const struck = (
  { faults }: History,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  isMeant: (fault: Fault) => boolean,
) => faults.some((fault) => isMeant(fault) && fault.endMs >= fromMs && fault.startMs <= toMs)

export const loses = ({ loses }: Fault) => loses !== undefined
export const forgets = (fault: Fault) => loses(fault) || fault.forgets === true

/** Everything that was seen anywhere: event, place, and when at the latest. */
export function sightings(history: History): { tenant: string; topic: string; id: string; place: string }[] {
  const seen = history.acts.flatMap((act) => {
    const { kind } = act
    if (kind === 'pull') return act.deliveries.map(({ id, place }) => ({ ...where(act), id, place }))
    if (kind === 'frame' && act.entry) return [{ ...where(act), ...act.entry }]
    return []
  })
  const left = history.end.topics.flatMap((end) => end.entries.map((entry) => ({ ...where(end), ...entry })))
  const dead = history.end.groups.flatMap((end) => end.deadLetters.map((entry) => ({ ...where(end), ...entry })))
  return [...seen, ...left, ...dead]
}

const where = ({ tenant, topic }: TopicAt) => ({ tenant, topic })
