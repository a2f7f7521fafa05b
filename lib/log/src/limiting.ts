import { pause } from '@santaclaude/kit/deadline'
import type { Redis } from 'ioredis'
import { life, partitionKeys, turnKey } from './names.ts'
import type { Group, Topic } from './port.ts'
import { runScript } from './scripts.ts'

/** How long one process may count and take before another no longer waits for it. */
const TURN_MS = 2_000

type Summary = [
  count: number,
  low: string | null,
  high: string | null,
  consumers: [name: string, count: string][] | null,
]

/**
 * Does `work` while no other process takes for the group, with the room its limit leaves now: what several partitions
 * have under lease can only be counted from outside them. Nothing when there is no room, or the turn did not come.
 * A process that stood still in its turn for longer than that lasts can exceed the limit once.
 */
export async function withRoom<Result>(
  redis: Redis,
  { topic, group }: { topic: Topic; group: Group & { inFlightMax: number } },
  work: (room: number) => Promise<Result>,
): Promise<Result | undefined> {
  const key = turnKey(group)
  const token = life() + life()
  const endMs = performance.now() + TURN_MS
  while ((await redis.set(key, token, 'PX', TURN_MS, 'NX')) !== 'OK') {
    if (performance.now() > endMs) return undefined
    await pause(2 + Math.random() * 10)
  }
  try {
    const room = group.inFlightMax - (await leasedOf(redis, topic, group.group))
    return room > 0 ? await work(room) : undefined
  } finally {
    await runScript(redis, 'unlock', [key], [token])
  }
}

async function leasedOf(redis: Redis, topic: Topic, group: string): Promise<number> {
  const counts = Array.from({ length: topic.partitions }, async (_, partition) => {
    const { stream } = partitionKeys(topic, partition)
    // A group that is missing here has nothing under lease; whoever reads makes it.
    const summary = (await redis.xpending(stream, group).catch(() => null)) as Summary | null
    return Number(summary?.[3]?.find(([name]) => name === 'live')?.[1] ?? 0)
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
