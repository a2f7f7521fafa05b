import type { Redis } from 'ioredis'
import { type DeadLook, deadFits, deadPlace, joinLooks, movedEvent } from './burying.ts'
import { deliveryOf, msOf } from './cursor.ts'
import { type RawEntry, unpackFields } from './event.ts'
import { saysRedis } from './faults.ts'
import { placeOfKey } from './generations.ts'
import { bellOf, life, partitionKeys } from './names.ts'
import type { DeadLetter, EventLog, GroupAddress, Topic } from './port.ts'
import type { DeadPage, DeadPlace, DeadWish, RedriveOrder, Repair } from './repair.ts'
import { runScript } from './scripts.ts'
import type { Topics } from './topics.ts'

/** Letters of one partition that one page looks at, at most. */
const LOOKED_MAX = 5_000
const CHUNK = 500
/** Letters a script call moves: it holds up everybody else, so it stays short. */
const BATCH = 100

type Append = EventLog['append']

interface Reach {
  redis: Redis
  topics: Topics
  append: Append
}

/** The dead letters of every group in Redis. */
export function deadLettersIn(reach: Reach): Repair {
  const { redis, topics } = reach
  return {
    deadLetters: async (address, wish) => {
      await topics.needGroup(address)
      return pageOf(redis, await topics.need(address), address, wish)
    },
    deleteDeadLetters: async (address, places) => {
      await topics.needGroup(address)
      const calls = batches(places).map(([partition, ids]) =>
        redis.xdel(partitionKeys(address, partition).dead(address.group), ...ids),
      )
      return sum(await Promise.all(calls))
    },
    redrive: async (address, order) => {
      await topics.needGroup(address)
      return order.topic === undefined ? toGroup(reach, address, order) : toTopic(reach, address, order)
    },
    redriven: async (address, tally) => {
      const { partitions } = await topics.need(address)
      const counts = Array.from({ length: partitions }, (_, at) =>
        redis.hget(partitionKeys(address, at).tallies, tally),
      )
      return sum((await Promise.all(counts)).map(Number))
    },
    dropTally: async (address, tally) => {
      const { partitions } = await topics.need(address)
      await Promise.all(
        Array.from({ length: partitions }, (_, at) => redis.hdel(partitionKeys(address, at).tallies, tally)),
      )
    },
  }
}

async function pageOf(redis: Redis, topic: Topic, { group }: GroupAddress, wish: DeadWish): Promise<DeadPage> {
  const fits = deadFits(wish)
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
  const looks = partitions.map((partition) => look(redis, { topic, group, partition }, { wish, fits }))
  return joinLooks(await Promise.all(looks), wish)
}

async function look(
  redis: Redis,
  { topic, group, partition }: { topic: Topic; group: string; partition: number },
  { wish, fits }: { wish: DeadWish; fits: (letter: DeadLetter) => boolean },
): Promise<DeadLook> {
  const { limit, after, order = 'newest', sinceMs, untilMs } = wish
  const key = partitionKeys(topic, partition).dead(group)
  const earliest = sinceMs === undefined ? '-' : String(Math.max(0, Math.floor(sinceMs)))
  const latest = untilMs === undefined ? '+' : `(${Math.max(0, Math.floor(untilMs))}-0`
  // In one millisecond partitions come one after the other, so the place before is passed where its turn was over.
  let from = after
    ? `${partition > after.partition ? '' : '('}${after.streamId}`
    : order === 'newest'
      ? latest
      : earliest
  const letters: DeadLetter[] = []
  for (let looked = 0; looked < LOOKED_MAX; looked += CHUNK) {
    const raw = (await (order === 'newest'
      ? redis.xrevrange(key, from, earliest, 'COUNT', CHUNK)
      : redis.xrange(key, from, latest, 'COUNT', CHUNK))) as RawEntry[]
    for (const entry of raw) {
      const letter = unpackLetter(partition, entry)
      if (fits(letter)) letters.push(letter)
      if (letters.length > limit) return { letters, reached: deadPlace(letter) }
    }
    const last = raw.at(-1)
    if (!last || raw.length < CHUNK) return { letters }
    from = `(${last[0]}`
  }
  return { letters, reached: { partition, streamId: from.slice(1) } }
}

function unpackLetter(partition: number, [streamId, fields]: RawEntry): DeadLetter {
  const [, original = '', , deliveries, , reason = ''] = fields
  const entry = { partition, streamId: original, event: unpackFields(fields) }
  return { streamId, entry, deliveries: deliveryOf(Number(deliveries)), reason, deadAtMs: msOf(streamId) }
}

async function toGroup({ redis, topics }: Reach, address: GroupAddress, { places, tally = '' }: RedriveOrder) {
  const { group } = address
  const { ordering } = await topics.needGroup(address)
  const moves = batches(places).map(async ([partition, ids]) => {
    await topics.openGroup(address, partition)
    const keys = partitionKeys(address, partition)
    return runScript<number>(
      redis,
      'redrive',
      [keys.stream, keys.meta, keys.parked(group), keys.dead(group), keys.tallies, keys.line(group), keys.keyof(group)],
      [group, bellOf(address), partition, tally, ordering, ...ids],
    )
  })
  return sum(await Promise.all(moves))
}

async function toTopic({ redis, topics, append }: Reach, address: GroupAddress, order: RedriveOrder) {
  const { tenant, group } = address
  const target = await topics.need({ tenant, topic: order.topic ?? address.topic })
  let moved = 0
  for (const [partition, ids] of batches(order.places)) {
    const keys = partitionKeys(address, partition)
    const found = await Promise.all(ids.map((id) => redis.xrange(keys.dead(group), id, id) as Promise<RawEntry[]>))
    const letters = found.flat().map((entry) => unpackLetter(partition, entry))
    const byTarget = Map.groupBy(letters, ({ entry }) => placeOfKey(target, entry.event.partitionkey ?? entry.event.id))
    for (const [to, own] of byTarget) {
      const there = partitionKeys(target, to)
      moved += await runScript<number>(
        redis,
        'redriveTo',
        [keys.dead(group), keys.tallies, there.stream, there.meta],
        [address.topic, bellOf(target), to, order.tally ?? '', life(), ...own.map(({ streamId }) => streamId)],
      ).catch((error) => {
        if (!saysRedis(error, 'CROSSSLOT')) throw error
        return twoSteps({ redis, append }, { address, target, order, letters: own })
      })
    }
  }
  return moved
}

/**
 * The same between two nodes of a Cluster, which no script can reach at once: first there, then away from here. A letter
 * may be seen in both for a moment, never in neither; one that was left in between is not added twice.
 */
async function twoSteps(
  { redis, append }: { redis: Redis; append: Append },
  {
    address,
    target,
    order,
    letters,
  }: { address: GroupAddress; target: Topic; order: RedriveOrder; letters: DeadLetter[] },
): Promise<number> {
  const keyOf = (letter: DeadLetter) =>
    `rd:${address.topic}:${address.group}:${letter.entry.partition}:${letter.streamId}`
  await append(
    target,
    letters.map((letter) => ({
      ...movedEvent(letter, address.topic),
      idempotency: { key: keyOf(letter), bodyHash: '' },
    })),
  )
  const [first] = letters
  const keys = partitionKeys(address, first?.entry.partition ?? 0)
  const moved = await redis.xdel(keys.dead(address.group), ...letters.map(({ streamId }) => streamId))
  if (order.tally) await redis.hincrby(keys.tallies, order.tally, moved)
  return moved
}

function batches(places: DeadPlace[]): [number, string[]][] {
  return [...Map.groupBy(places, ({ partition }) => partition)].flatMap(([partition, own]) =>
    Array.from({ length: Math.ceil(own.length / BATCH) }, (_, n): [number, string[]] => [
      partition,
      own.slice(n * BATCH, (n + 1) * BATCH).map(({ streamId }) => streamId),
    ]),
  )
}

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
