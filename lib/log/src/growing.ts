import { pause } from '@santaclaude/kit/deadline'
import type { Redis } from 'ioredis'
import { laterId, ORIGIN } from './cursor.ts'
import { grownBy, partitionsOf, widthOf } from './generations.ts'
import { life, partitionKeys } from './names.ts'
import { LogError, type Topic } from './port.ts'
import { runScript } from './scripts.ts'
import type { Topics } from './topics.ts'

/** How long an append waits for a topic that is growing, and when it takes the growing over from a process that died. */
const GROWN_MS = 3_000
const OVERDUE_MS = 500

/**
 * Gives the topic a new generation of partitions. Each step may be repeated, by anybody: the sealed partitions remember
 * how far the topic grows, so whoever finds them sealed can finish what another process began.
 */
export async function grow(redis: Redis, topics: Topics, topic: Topic, wanted: number): Promise<Topic> {
  if (wanted === widthOf(topic)) return topic
  grownBy(topic, wanted)
  const keysOf = (partition: number) => partitionKeys(topic, partition)
  // One after the other: two who grow at once must agree on what the first partition says.
  let [last, agreed] = [ORIGIN, wanted]
  for (const partition of partitionsOf(topic)) {
    const { stream, meta } = keysOf(partition)
    const [id, next] = await runScript<[string, number]>(redis, 'seal', [stream, meta], [agreed])
    last = laterId(last, id)
    if (partition === partitionsOf(topic)[0]) agreed = next
  }
  const generations = grownBy(topic, agreed)
  const groups = await topics.groupsOf(topic)
  for (const partition of partitionsOf({ generations })) {
    const { stream, meta } = keysOf(partition)
    await runScript(redis, 'floor', [stream, meta], [life(), last])
    // Before the first event: retention must not take for unwanted what a group has not seen.
    for (const { tenant, topic: name, group } of groups)
      await topics.openGroup({ tenant, topic: name, group }, partition, ORIGIN)
  }
  const grown = await topics.rewrite(topic, (now) =>
    now.generations.length < generations.length
      ? { ...now, generations, partitions: now.partitions + agreed, grownAtMs: Date.now() }
      : now,
  )
  if (!grown) throw new LogError('topic_not_found', 'The topic was deleted.')
  return widthOf(grown) < wanted ? grow(redis, topics, grown, wanted) : grown
}

/** The topic once it has grown beyond what `topic` says; finishes the growing of a process that died over it. */
export async function grown(redis: Redis, topics: Topics, topic: Topic): Promise<Topic> {
  const startMs = performance.now()
  for (;;) {
    const now = await topics.reread(topic)
    if (!now) throw new LogError('topic_not_found', `There is no topic '${topic.topic}'.`)
    if (now.generations.length > topic.generations.length) return now
    const sinceMs = performance.now() - startMs
    if (sinceMs > GROWN_MS) throw new LogError('store_unavailable', 'The topic is growing.')
    if (sinceMs > OVERDUE_MS) {
      const [first = 0] = partitionsOf(now)
      const wanted = Number(await redis.hget(partitionKeys(now, first).meta, 'sealed'))
      if (wanted > 0) return grow(redis, topics, now, wanted)
    }
    await pause(20)
  }
}
