import { pause } from '@santaclaude/kit/deadline'
import type { Bus, SentEvent } from './bus.ts'
import type { Delivered, GroupAt, Settle, TopicAt } from './history.ts'
import type { Seeded } from './seeded.ts'

/** What every actor works with. */
export interface Stage {
  bus: Bus
  random: Seeded
  /** A process of the service, another one each time. */
  url(): string
  /** The acting is over. */
  signal: AbortSignal
  /** How large payloads may get. */
  bytesMax: number
}

/** Publishes alone, in batches, again with the same ids, and with the connection broken after sending. */
export async function publisher(
  { bus, random, url, signal, bytesMax }: Stage,
  name: string,
  topics: TopicAt[],
): Promise<void> {
  const sent: { at: TopicAt; events: SentEvent[]; delayMs?: number }[] = []
  for (let n = 0; !signal.aborted; n++) {
    const at = random.pick(topics)
    const key = random.chance(0.5) ? `key-${random.below(4)}` : undefined
    const size = random.chance(0.25) ? random.between(2, 6) : 1
    const events = Array.from({ length: size }, (_, part): SentEvent => {
      const bytes = random.chance(0.03) ? random.below(bytesMax) : random.below(200)
      return { id: `${at.tenant}-${name}-${n}-${part}`, bytes, ...(key === undefined ? {} : { partitionkey: key }) }
    })
    const again = random.chance(0.15) && sent.length > 0 ? random.pick(sent.slice(-8)) : undefined
    const delayMs = random.chance(0.08) ? random.pick([50, 400]) : undefined
    const act = again ?? { at, events, ...(delayMs === undefined ? {} : { delayMs }) }
    if (!again) sent.push(act)
    const [only] = act.events
    if (act.events.length === 1 && only && act.delayMs === undefined && random.chance(0.05))
      await bus.publishAndReset(url(), act.at, only)
    else await bus.publish(url(), act.at, act.events, act.delayMs)
    await pause(random.below(20), signal)
  }
}

/** Pulls and settles as good, slow, forgetful and confused consumers do. */
export async function consumer(
  { bus, random, url, signal }: Stage,
  group: GroupAt & { leaseMs: number },
): Promise<void> {
  const late: Promise<void>[] = []
  while (!signal.aborted) {
    const deliveries = await bus.pull(url(), group, {
      max: random.between(1, 10),
      waitMs: random.pick([0, 200, 1_500]),
    })
    const items = deliveries.flatMap((delivery) => wishesFor(delivery, random))
    const forgets = random.chance(0.08)
    if (forgets && random.chance(0.5)) late.push(lateAck(bus, { url: url(), group, deliveries, signal }))
    if (!forgets && items.length > 0) {
      await pause(random.below(60), signal)
      await bus.settle(url(), group, items)
      if (random.chance(0.1)) await bus.settle(url(), group, items)
    }
    if (deliveries.length === 0) await pause(random.below(30), signal)
  }
  await Promise.all(late)
}

type Wish = Omit<Settle['items'][number], 'result'>

function wishesFor({ receipt }: Delivered, random: Seeded): Wish[] {
  const draw = random.below(100)
  if (draw < 74) return [{ receipt, op: 'ack' }]
  if (draw < 86) return [{ receipt, op: 'nack', delayMs: random.pick([0, 20, 300]) }]
  if (draw < 90) return [{ receipt, op: 'extend' }]
  if (draw < 94) return [{ receipt, op: 'term' }]
  return []
}

/** A zombie: it comes back when its leases are long over, and says that all is done. */
async function lateAck(
  bus: Bus,
  {
    url,
    group,
    deliveries,
    signal,
  }: { url: string; group: GroupAt & { leaseMs: number }; deliveries: Delivered[]; signal: AbortSignal },
): Promise<void> {
  await pause(group.leaseMs * 1.5, signal)
  if (deliveries.length > 0)
    await bus.settle(
      url,
      group,
      deliveries.map(({ receipt }) => ({ receipt, op: 'ack' })),
    )
}

/** A live reader that loses its line, comes back where it was, and at times reads slowly. */
export async function reader({ bus, random, url, signal }: Stage, at: TopicAt & { session: string }): Promise<void> {
  let cursor: string | undefined
  while (!signal.aborted) {
    const line = new AbortController()
    const framesMax = random.pick([1, 5, 40, 1_000])
    const pauseMs = random.pick([0, 0, 0, 15])
    let frames = 0
    cursor = await bus.follow(url(), at, {
      cursor,
      signal: AbortSignal.any([signal, line.signal]),
      onFrame: async () => {
        if (++frames >= framesMax) line.abort()
        if (pauseMs > 0) await pause(pauseMs, signal)
      },
    })
    await pause(random.between(5, 60), signal)
  }
}

/** Moves what died back to its group, now and then. */
export async function repairer({ bus, random, url, signal }: Stage, group: GroupAt): Promise<void> {
  while (!signal.aborted) {
    await pause(random.between(300, 900), signal)
    await bus.redrive(url(), group)
  }
}

/** Makes groups, takes a little from them, and deletes them. */
export async function organiser(
  { bus, random, url, signal }: Stage,
  at: TopicAt,
  onGroup: (group: GroupAt) => void,
): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const group = { ...at, group: `passing${n}` }
    const path = () => `${url()}/v1/topics/${at.topic}/groups/${group.group}`
    const made = await bus.ask(path(), at.tenant, {
      method: 'PUT',
      body: { start: 'earliest', leaseMs: 1_000, deliveriesMax: 5 },
    })
    onGroup(group)
    if (made.outcome === 'ok') {
      const deliveries = await bus.pull(url(), group, { max: 20, waitMs: 100 })
      const items = deliveries.map(({ receipt }): Wish => ({ receipt, op: 'ack' }))
      if (items.length > 0) await bus.settle(url(), group, items)
    }
    await bus.ask(path(), at.tenant, { method: 'DELETE' })
    await pause(random.between(200, 600), signal)
  }
}
