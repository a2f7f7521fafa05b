import { pause } from '@santaclaude/kit/deadline'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { HookPorts } from '../hooks.ts'
import type { Subscription, SubscriptionAddress } from '../store/port.ts'
import { Pump } from './pump.ts'
import { finishDeletion, releaseIfDue } from './release.ts'
import { preferred } from './share.ts'
import { Slots } from './slots.ts'

export interface PumpsOptions {
  /** How often subscriptions are shared out anew. */
  everyMs?: number
  /** How long a duty lasts without a renewal: the longest a subscription stands still when its replica dies. */
  holdMs?: number
}

export interface Pumps {
  /** Looks at a subscription now. */
  nudge(address: SubscriptionAddress): void
  /** Lets what is on its way arrive for a few seconds, gives the rest and all duties back. */
  close(): Promise<void>
}

/** One subscription this replica has the duty for; without a pump when it is disabled. */
interface Held {
  subscription: Subscription
  fence: number
  pump?: Pump
  renewAtMs: number
}

const closeGraceMs = 3_000
/** How often the list of subscriptions is read although nothing said that it changed. */
const recountMs = 30_000
const width = 64

/**
 * Delivers for this replica's share of all subscriptions. Every replica runs this; each subscription has one owner, by a
 * lock with a fence, and the owners are spread by rendezvous hashing over the replicas that live. A replica that dies
 * stops beating and renewing, and the others take its share over; leases make sure that nothing it held is lost.
 */
export function startPumps(
  ports: Omit<HookPorts, 'nudge'>,
  { everyMs = 1_000, holdMs = 5_000 }: PumpsOptions = {},
): Pumps {
  const replica = uuidv7()
  const stopping = new AbortController()
  const held = new Map<string, Held>()
  const leaving = new Map<string, { pump: Pump | undefined; gone: Promise<void> }>()
  const urgent = new Map<string, SubscriptionAddress>()
  const slots = new Slots(ports.hooks.policy.inFlightMax)
  const { duties, subscriptions } = ports.hooks.store
  let wake = new AbortController()
  let share: SubscriptionAddress[] = []
  let sharedFor = ''
  let recountAtMs = 0

  const nudge = (address: SubscriptionAddress) => {
    urgent.set(nameOf(address), address)
    wake.abort()
  }
  const own: HookPorts = { ...ports, nudge }

  const rounds = (async () => {
    while (!stopping.signal.aborted) {
      wake = new AbortController()
      await round().catch((error) => {
        ports.hooks.meters.roundFailures.inc()
        ports.warn('webhooks were not shared out', error)
      })
      await pause(everyMs, AbortSignal.any([stopping.signal, wake.signal]))
    }
  })()

  return {
    nudge,
    async close() {
      stopping.abort()
      await rounds
      // Those that were leaving already, with all the time in the world, have no more of it now.
      for (const { pump } of leaving.values()) pump?.stop(closeGraceMs)
      for (const name of held.keys()) leave(name, closeGraceMs)
      await Promise.all([...leaving.values()].map(({ gone }) => gone))
      await duties.beat(replica, 0).catch(() => {})
    },
  }

  async function round(): Promise<void> {
    const { replicas, census } = await duties.beat(replica, holdMs)
    const state = `${census} ${replicas.toSorted().join(' ')}`
    if (state !== sharedFor || performance.now() > recountAtMs) {
      const all = await subscriptions.everywhere()
      share = all.filter((address) => preferred(replicas, address) === replica)
      sharedFor = state
      recountAtMs = performance.now() + recountMs
    }
    const names = new Set(share.map(nameOf))
    for (const [name, { subscription }] of held) if (!names.has(name)) leave(name, subscription.timeoutMs)
    const wanted = [...urgent.values()]
    urgent.clear()
    const nowMs = performance.now()
    const due = share.filter((address) => (held.get(nameOf(address))?.renewAtMs ?? 0) <= nowMs)
    const all = new Map([...wanted.filter((one) => names.has(nameOf(one))), ...due].map((one) => [nameOf(one), one]))
    await inWidth([...all.values()], (address) =>
      look(address).catch((error) => ports.warn('a webhook subscription was not looked at', error)),
    )
    ports.hooks.meters.pumps.set([...held.values()].filter(({ pump }) => pump).length)
  }

  /** Takes or renews one duty, and does what the subscription's state asks for. */
  async function look(address: SubscriptionAddress): Promise<void> {
    const name = nameOf(address)
    if (leaving.has(name)) return
    const duty = await duties.take(address, { replica, holdMs })
    const present = held.get(name)
    if (duty.state !== 'mine') {
      if (present) leave(name, present.subscription.timeoutMs)
      return
    }
    // Another fence: the duty had run out and others may have had it in between, so what we know is old.
    if (present && present.fence !== duty.fence) return leave(name, present.subscription.timeoutMs)
    const isSame = present?.subscription.version === duty.version
    const subscription = isSame ? present.subscription : await subscriptions.find(address)
    if (!subscription) return
    const next: Held = { ...present, subscription, fence: duty.fence, renewAtMs: performance.now() + holdMs / 3 }
    held.set(name, next)
    if (subscription.status === 'enabled') return isSame && next.pump ? undefined : run(next)
    if (next.pump) return leave(name, subscription.timeoutMs)
    if (subscription.status === 'disabled') return releaseIfDue(own, subscription)
    await finishDeletion(own, subscription)
    held.delete(name)
  }

  async function run(one: Held): Promise<void> {
    const { subscription, fence } = one
    if (one.pump) return one.pump.update(subscription)
    const condition = await duties.condition(subscription)
    one.pump = new Pump(own, { subscription, fence, condition, slots })
  }

  /** Stops delivering for a subscription and gives its duty back, without holding up the others. */
  function leave(name: string, graceMs: number): void {
    const one = held.get(name)
    if (!one) return
    held.delete(name)
    const gone = (async () => {
      await one.pump?.stop(graceMs)
      await duties.give(one.subscription, replica)
    })()
      .catch((error) => ports.warn('a webhook duty was not given back', error))
      .finally(() => {
        leaving.delete(name)
        if (!stopping.signal.aborted) nudge(one.subscription)
      })
    leaving.set(name, { pump: one.pump, gone })
  }
}

const nameOf = ({ tenant, id }: SubscriptionAddress) => `${tenant} ${id}`

async function inWidth<T>(all: T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += width) await Promise.all(all.slice(at, at + width).map(work))
}
