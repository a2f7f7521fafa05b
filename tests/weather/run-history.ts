import { pause } from '@santaclaude/kit/deadline'
import { consumer, organiser, publisher, reader, repairer, type Stage } from './actors.ts'
import { Bus, nowMs } from './bus.ts'
import type { Act, Fault, GroupAt, GroupEnd, GroupFact, History, TopicAt, TopicEnd, TopicFact } from './history.ts'
import { groupId } from './history.ts'
import { heal, type NemesisName, nemesisNames, strike } from './nemeses.ts'
import { type Seeded, seeded } from './seeded.ts'
import type { World } from './world.ts'

/** The tenants of every history; no text of one may hold the name of the other. */
export const tenants = ['acmetenant', 'bobstenant']

const leaseMs = 1_000
/** How long the group is given to be drained, and readers to catch up, once nothing is wrong any more. */
const drainMsMax = 25_000

export interface Plan {
  seed: number
  nemeses: NemesisName[]
  actMs: number
  /** When each nemesis strikes, after the start. */
  strikesAtMs: number[]
}

/** What a seed does: no nemesis, one, or two that may overlap. */
export function planOf(seed: number, chosen?: NemesisName[]): Plan {
  const random = seeded(seed).split('plan')
  const drawn = [random.pick(nemesisNames), random.pick(nemesisNames)].slice(0, random.pick([0, 1, 1, 2, 2]))
  // A Redis that is killed while its disk is full may lose what only its memory held, and its file with it.
  const isBeyond = drawn.includes('disk full') && drawn.some((name) => name.startsWith('redis killed'))
  const nemeses = chosen ?? (isBeyond ? drawn.slice(0, 1) : drawn)
  const actMs = random.between(1_500, 3_500)
  return { seed, nemeses, actMs, strikesAtMs: nemeses.map(() => random.between(200, actMs - 300)) }
}

/** Runs one history from its seed and answers everything that was done and seen. Names are new, so a world can be used again. */
export async function runHistory(world: World, { seed, nemeses, actMs, strikesAtMs }: Plan): Promise<History> {
  const random = seeded(seed)
  const acts: Act[] = []
  const faults: Fault[] = []
  const bus = new Bus(world.keyOf, acts)
  const [ada = '', bob = ''] = tenants
  const run = `w${seed}-${Bun.randomUUIDv7().slice(-6)}`
  const topics: (TopicFact & { partitions: number; maxEvents: number | null })[] = [
    { tenant: ada, topic: `orders-${run}`, keepsAll: true, partitions: 2, maxEvents: null },
    { tenant: ada, topic: `small-${run}`, keepsAll: false, partitions: 1, maxEvents: 5 },
    { tenant: bob, topic: `orders-${run}`, keepsAll: true, partitions: 1, maxEvents: null },
  ]
  const steady: (GroupFact & { partitions: number })[] = topics.map(({ tenant, topic, partitions }) => ({
    ...{ tenant, topic, group: 'workers', leaseMs, deliveriesMax: 5, partitions },
    ...{ ordering: 'none', isSteady: true },
  }))
  const [first] = steady
  if (first) steady.push({ ...first, group: 'inorder', ordering: 'key' })
  const passing: GroupFact[] = []
  const urlOf = (own: Seeded) => () => own.pick(world.members).url
  const url = urlOf(random.split('url'))
  await setUp(bus, url, { topics, groups: steady })

  const over = new AbortController()
  const readersOver = new AbortController()
  const stage = (name: string): Stage => {
    const own = random.split(name)
    return { bus, random: own, url: urlOf(own.split('url')), signal: over.signal, bytesMax: 1_000_000 }
  }
  const at = { world, random: random.split('nemesis'), acts, groups: steady }
  const sessions = topics
    .filter(({ keepsAll }) => keepsAll)
    .map(({ tenant, topic }, n) => ({ tenant, topic, session: `r${n}` }))
  const readers = sessions.map((session) => reader({ ...stage(session.session), signal: readersOver.signal }, session))
  const acting = [
    ...[0, 1, 2].map((n) => publisher(stage(`p${n}`), `p${n}`, topics)),
    ...steady.flatMap((group) => [0, 1].map((n) => consumer(stage(`c${n}${groupId(group)}`), group))),
    ...steady.slice(0, 1).map((group) => repairer(stage('repair'), group)),
    organiser(stage('o'), topics[0] as TopicAt, (group) =>
      passing.push({ ...group, leaseMs, deliveriesMax: 5, ordering: 'none', isSteady: false }),
    ),
  ]
  const striking = nemeses.map(async (name, n) => {
    await pause(strikesAtMs[n] ?? 0)
    await strike(name, at, faults)
  })
  await Promise.all([pause(actMs), ...striking])
  over.abort()
  await Promise.all(acting)

  await heal(at)
  await setUp(bus, url, { topics, groups: steady })
  await untilRedriven(bus, url, steady[0] as GroupFact)
  const dueMs = Math.max(0, ...acts.map((act) => (act.kind === 'publish' && act.delayMs ? act.endMs + act.delayMs : 0)))
  await pause(Math.max(0, dueMs + 1_000 - nowMs()))
  await Promise.all(steady.map((group) => drain(bus, url, group)))
  const end = await lookAround(bus, url, { topics, groups: steady })
  await caughtUp(acts, sessions, end.topics)
  readersOver.abort()
  await Promise.all(readers)
  for (const { url } of world.members) acts.push(await metricsOf(url))
  return { seed, topics, groups: [...steady, ...passing], acts, faults, end }
}

async function setUp(
  bus: Bus,
  url: () => string,
  { topics, groups }: { topics: (TopicFact & { partitions: number; maxEvents: number | null })[]; groups: GroupFact[] },
): Promise<void> {
  const put = (tenant: string, path: string, body: unknown) =>
    untilOk(() => bus.ask(`${url()}${path}`, tenant, { method: 'PUT', body }), path)
  for (const { tenant, topic, partitions, maxEvents } of topics)
    await put(tenant, `/v1/topics/${topic}`, { partitions, retention: { maxEvents, maxAgeMs: null } })
  for (const { tenant, topic, group, leaseMs, deliveriesMax, ordering } of groups)
    await put(tenant, `/v1/topics/${topic}/groups/${group}`, { start: 'earliest', leaseMs, deliveriesMax, ordering })
}

async function untilOk<T extends { outcome: string; code?: string }>(work: () => Promise<T>, what: string): Promise<T> {
  const startMs = nowMs()
  for (;;) {
    const answer = await work()
    if (answer.outcome === 'ok') return answer
    if (nowMs() - startMs > drainMsMax) throw new Error(`${what} does not come back: ${answer.code}`)
    await pause(50)
  }
}

async function untilRedriven(bus: Bus, url: () => string, { tenant, topic, group }: GroupAt): Promise<void> {
  const path = `/v1/topics/${topic}/groups/${group}/dead-letters/redrives`
  for (const startMs = nowMs(); nowMs() - startMs < drainMsMax; await pause(50)) {
    const { body } = await bus.ask(url() + path, tenant, { method: 'GET' })
    if (body?.redrives.every(({ state }: { state: string }) => state !== 'running')) return
  }
}

/** Takes and acknowledges until nothing is left, as a consumer that always waits. */
async function drain(bus: Bus, url: () => string, group: GroupAt): Promise<void> {
  const path = `/v1/topics/${group.topic}/groups/${group.group}/lag`
  const startMs = nowMs()
  while (nowMs() - startMs < drainMsMax) {
    const deliveries = await bus.pull(url(), group, { max: 100, waitMs: 500 })
    if (deliveries.length > 0)
      await bus.settle(
        url(),
        group,
        deliveries.map(({ receipt }) => ({ receipt, op: 'ack' })),
      )
    const { outcome, body: lag } = await bus.ask(url() + path, group.tenant, { method: 'GET' })
    if (outcome === 'ok' && lag.ready + lag.leased + lag.parked === 0) return
  }
}

async function lookAround(bus: Bus, url: () => string, { topics, groups }: { topics: TopicAt[]; groups: GroupAt[] }) {
  const get = async (tenant: string, path: string) =>
    (await untilOk(() => bus.ask(url() + path, tenant, { method: 'GET' }), path)).body
  const place = ({ partition, streamId, event }: { partition: number; streamId: string; event: { id: string } }) => ({
    id: event.id,
    place: `${partition}/${streamId}`,
  })
  const endOfTopic = async ({ tenant, topic }: TopicAt): Promise<TopicEnd> => {
    const entries: TopicEnd['entries'] = []
    for (let from = 'earliest', isEnd = false; !isEnd; ) {
      const page = await get(tenant, `/v1/topics/${topic}/events?limit=100&from=${from}`)
      entries.push(...page.events.map(place))
      from = page.cursor
      isEnd = page.isEnd
    }
    return { tenant, topic, entries }
  }
  const endOfGroup = async ({ tenant, topic, group }: GroupAt): Promise<GroupEnd> => {
    const path = `/v1/topics/${topic}/groups/${group}`
    const { deadLetters } = await get(tenant, `${path}/dead-letters?limit=1000`)
    return { tenant, topic, group, lag: await get(tenant, `${path}/lag`), deadLetters: deadLetters.map(place) }
  }
  return { topics: await Promise.all(topics.map(endOfTopic)), groups: await Promise.all(groups.map(endOfGroup)) }
}

/** Waits until every live reader has seen the last event of each partition; a reader that does not is late for L4. */
async function caughtUp(acts: Act[], sessions: (TopicAt & { session: string })[], ends: TopicEnd[]): Promise<void> {
  await Promise.all(
    sessions.map(async ({ tenant, topic, session }) => {
      const startMs = nowMs()
      const end = ends.find((one) => one.tenant === tenant && one.topic === topic)
      const wanted = new Set(end?.entries.map(({ place }) => place))
      const isDone = () => {
        for (const act of acts)
          if (act.kind === 'frame' && act.session === session && act.entry) wanted.delete(act.entry.place)
        return wanted.size === 0
      }
      while (!isDone() && nowMs() - startMs < drainMsMax) await pause(20)
      acts.push({ kind: 'recovery', startMs, endMs: nowMs(), after: `the end, for ${session} to read everything` })
    }),
  )
}

async function metricsOf(url: string): Promise<Act> {
  const startMs = nowMs()
  const text = await (await fetch(`${url}/metrics`)).text()
  return { kind: 'said', tenant: 'everybody', startMs, endMs: nowMs(), text }
}
