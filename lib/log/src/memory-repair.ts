import type { Clock } from '@santaclaude/kit/clock'
import { compareDead, deadFits, deadPlace, joinLooks, movedEvent } from './burying.ts'
import { compareIds, deliveryOf, nextLife } from './cursor.ts'
import { placeOfKey } from './generations.ts'
import type { MemoryTopic } from './memory-topic.ts'
import type { DeadLetter, GroupAddress, TopicAddress } from './port.ts'
import type { DeadPlace, Repair } from './repair.ts'

interface Reach {
  clock: Clock
  need(address: TopicAddress): MemoryTopic
  needGroup(address: GroupAddress): ReturnType<MemoryTopic['groups']['get']> & object
  ring(): void
}

/** Dead letters in memory. */
export function memoryRepair({ clock, need, needGroup, ring }: Reach): Repair {
  const tallies = new Map<string, number>()
  const tallyId = ({ tenant, topic }: TopicAddress, tally: string) => `${tenant}/${topic}/${tally}`

  const take = (address: GroupAddress, { partition, streamId }: DeadPlace): DeadLetter | undefined => {
    const dead = needGroup(address).books[partition]?.dead ?? []
    const at = dead.findIndex((letter) => letter.streamId === streamId)
    return at < 0 ? undefined : dead.splice(at, 1)[0]
  }

  const back = (address: GroupAddress, letter: DeadLetter) => {
    const topic = need(address)
    const { partition, streamId } = letter.entry
    const isThere = topic.after(partition, '0-0', Infinity).some((other) => other.streamId === streamId)
    const dueAtMs = clock.now()
    const own = needGroup(address).books[partition]
    if (isThere && own && (own.pending.has(streamId) || compareIds(streamId, own.delivered) > 0)) return
    if (isThere) own?.pending.set(streamId, { deliveries: nextLife(letter.deliveries), dueAtMs })
    else topic.append(partition, movedEvent(letter, undefined, address.group), dueAtMs)
  }

  return {
    deadLetters: async (address, wish) => {
      const fits = deadFits(wish)
      const isBehind = (letter: DeadLetter) => !wish.after || compareDead(deadPlace(letter), wish.after, wish.order) > 0
      const letters = needGroup(address).books.flatMap(({ dead }) => dead)
      const wanted = letters.filter((letter) => fits(letter) && isBehind(letter))
      return joinLooks(
        [{ letters: wanted.map((letter) => ({ ...letter, deliveries: deliveryOf(letter.deliveries) })) }],
        wish,
      )
    },
    deleteDeadLetters: async (address, places) => places.filter((place) => take(address, place)).length,
    redrive: async (address, { places, topic, tally }) => {
      const target = topic === undefined ? undefined : need({ tenant: address.tenant, topic })
      const letters = places.flatMap((place) => take(address, place) ?? [])
      for (const letter of letters)
        if (target) {
          const event = movedEvent(letter, address.topic)
          target.append(placeOfKey(target.topic, event.partitionkey ?? event.id), event, clock.now())
        } else back(address, letter)
      if (tally !== undefined) {
        const id = tallyId(address, tally)
        tallies.set(id, (tallies.get(id) ?? 0) + letters.length)
      }
      ring()
      return letters.length
    },
    redriven: async (address, tally) => tallies.get(tallyId(address, tally)) ?? 0,
    dropTally: async (address, tally) => {
      tallies.delete(tallyId(address, tally))
    },
  }
}
