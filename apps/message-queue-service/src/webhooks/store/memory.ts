import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Condition, HookStore, KeptAttempt, Subscription, SubscriptionAddress } from './port.ts'

interface Shelf {
  subscription?: Subscription
  duty?: { replica: string; untilMs: number }
  fence: number
  condition?: Condition
  attempts: KeptAttempt[]
  tally: Map<string, number>
}

/** Webhooks in maps; for tests. What goes in and out is copied, as a real store would. */
export function hookStoreInMemory({ clock = systemClock }: { clock?: Clock } = {}): HookStore {
  const shelves = new Map<string, Shelf>()
  const replicas = new Map<string, number>()
  let census = 0
  let attemptsMade = 0
  const nameOf = ({ tenant, id }: SubscriptionAddress) => `${tenant} ${id}`
  const shelfOf = (address: SubscriptionAddress): Shelf =>
    shelves.get(nameOf(address)) ?? { fence: 0, attempts: [], tally: new Map() }
  const present = () => [...shelves.values()].flatMap(({ subscription }) => (subscription ? [subscription] : []))
  const copy = structuredClone
  const order = ({ id }: KeptAttempt) => Number(id.split('-')[1])

  return {
    subscriptions: {
      async create(subscription, limit) {
        if (present().filter(({ tenant }) => tenant === subscription.tenant).length >= limit) return 'full'
        shelves.set(nameOf(subscription), { ...shelfOf(subscription), subscription: copy(subscription) })
        census++
        return 'created'
      },
      find: async (address) => copy(shelfOf(address).subscription),
      list: async (tenant, { limit, after = '' }) =>
        present()
          .filter((one) => one.tenant === tenant && one.id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit)
          .map((one) => copy(one)),
      async replace(subscription) {
        const shelf = shelfOf(subscription)
        if (shelf.subscription?.version !== subscription.version) return undefined
        shelf.subscription = copy({ ...subscription, version: subscription.version + 1 })
        return copy(shelf.subscription)
      },
      async remove(address) {
        shelves.delete(nameOf(address))
        census++
      },
      everywhere: async () => present().map(({ tenant, id }) => ({ tenant, id })),
      nowMs: async () => clock.now(),
    },

    duties: {
      async beat(replica, forMs) {
        for (const [name, untilMs] of replicas) if (untilMs <= clock.now()) replicas.delete(name)
        if (forMs === 0) replicas.delete(replica)
        else replicas.set(replica, clock.now() + forMs)
        return { census, replicas: [...replicas.keys()] }
      },
      async take(address, { replica, holdMs }) {
        const shelf = shelfOf(address)
        if (!shelf.subscription) return { state: 'gone' }
        const isHeld = shelf.duty !== undefined && shelf.duty.untilMs > clock.now()
        if (isHeld && shelf.duty?.replica !== replica) return { state: 'taken' }
        if (!isHeld) shelf.fence++
        shelf.duty = { replica, untilMs: clock.now() + holdMs }
        return { state: 'mine', fence: shelf.fence, version: shelf.subscription.version }
      },
      async give(address, replica) {
        const shelf = shelfOf(address)
        if (shelf.duty?.replica === replica) delete shelf.duty
      },
      condition: async (address) => copy(shelfOf(address).condition),
      async setCondition(address, condition, fence) {
        const shelf = shelfOf(address)
        if (shelf.fence !== fence) return false
        shelf.condition = copy(condition)
        return true
      },
    },

    attempts: {
      async add(address, attempt, { keep, tally }) {
        const shelf = shelfOf(address)
        const kept = { ...copy(attempt), id: `${clock.now()}-${attemptsMade++}` }
        shelf.attempts = [kept, ...shelf.attempts].slice(0, keep)
        if (tally?.count === 0) shelf.tally.delete(tally.place)
        else if (tally) shelf.tally.set(tally.place, tally.count)
        return copy(kept)
      },
      tally: async (address, place) => shelfOf(address).tally.get(place) ?? 0,
      find: async (address, id) => copy(shelfOf(address).attempts.find((attempt) => attempt.id === id)),
      list: async (address, { limit, before }) =>
        shelfOf(address)
          .attempts.filter((attempt) => before === undefined || order(attempt) < Number(before.split('-')[1]))
          .slice(0, limit)
          .map((attempt) => copy(attempt)),
    },
  }
}
