import type { Clock } from '@santaclaude/kit/clock'
import { compareIds, deliveryOf } from './cursor.ts'
import type { EntryPlace, Footprint, Insight, PendingEntry } from './insight.ts'
import type { MemoryTopic } from './memory-topic.ts'
import type { GroupAddress, TopicAddress } from './port.ts'

interface Reach {
  clock: Clock
  need(address: TopicAddress): MemoryTopic
  needGroup(address: GroupAddress): ReturnType<MemoryTopic['groups']['get']> & object
}

/** Looking closely at what lies in memory. Attempts are not kept here. */
export function memoryInsight({ clock, need, needGroup }: Reach): Insight {
  const entries = (address: TopicAddress) =>
    need(address).partitions.flatMap((_, partition) => need(address).after(partition, '0-0', Infinity))

  return {
    groupState: async (address) => {
      const { group, books } = needGroup(address)
      const nowMs = clock.now()
      const partitions = books.map(({ pending, delivered, dead }, partition) => {
        const all = [...pending.values()]
        const leased = all.flatMap(({ leasedAtMs }) => (leasedAtMs === undefined ? [] : [leasedAtMs]))
        const due = all.flatMap(({ leasedAtMs, dueAtMs }) => (leasedAtMs === undefined ? [dueAtMs] : []))
        return {
          ...{ partition, leased: leased.length, parked: due.length, inLine: 0, dead: dead.length },
          ready: need(address).after(partition, delivered, Infinity).length,
          ...(leased.length > 0 ? { leaseEndsInMs: Math.max(0, Math.min(...leased) + group.leaseMs - nowMs) } : {}),
          ...(due.length > 0 ? { dueInMs: Math.max(0, Math.min(...due) - nowMs) } : {}),
        }
      })
      return { partitions, hasUpkeep: true, store: 'ok' }
    },
    pending: async (address, { limit, after }) => {
      const nowMs = clock.now()
      const all = needGroup(address).books.flatMap(({ pending }, partition) =>
        [...pending]
          .sort(([a], [b]) => compareIds(a, b))
          .map(
            ([streamId, { leasedAtMs, deliveries }]): PendingEntry => ({
              ...{
                partition,
                streamId,
                deliveries: deliveryOf(deliveries),
                forMs: leasedAtMs === undefined ? 0 : nowMs - leasedAtMs,
              },
              state: leasedAtMs === undefined ? 'parked' : 'leased',
            }),
          ),
      )
      const isBehind = ({ partition, streamId }: EntryPlace) =>
        !after ||
        partition > after.partition ||
        (partition === after.partition && compareIds(streamId, after.streamId) > 0)
      const rest = all.filter(isBehind)
      const page = rest.slice(0, limit)
      const last = page.at(-1)
      if (rest.length <= limit || !last) return { entries: page }
      return { entries: page, next: { partition: last.partition, streamId: last.streamId } }
    },
    find: async (address, { id, at }) =>
      entries(address).find(
        ({ partition, streamId, event }) =>
          event.id === id && (!at || (at.partition === partition && at.streamId === streamId)),
      ),
    footprints: async (address, { partition, streamId }) =>
      [...need(address).groups.values()]
        .flatMap(({ group, books }): Footprint[] => {
          const own = books[partition]
          const about = { group: group.group, attempts: [] }
          const held = own?.pending.get(streamId)
          const letter = own?.dead.find(({ entry }) => entry.streamId === streamId)
          if (held) {
            const state = held.leasedAtMs === undefined ? 'parked' : 'leased'
            return [
              {
                ...about,
                state,
                deliveries: deliveryOf(held.deliveries),
                forMs: clock.now() - (held.leasedAtMs ?? clock.now()),
              },
            ]
          }
          if (letter)
            return [{ ...about, state: 'dead', deliveries: deliveryOf(letter.deliveries), reason: letter.reason }]
          return [{ ...about, state: own && compareIds(streamId, own.delivered) > 0 ? 'ready' : 'settled' }]
        })
        .sort((a, b) => (a.group < b.group ? -1 : 1)),
  }
}
