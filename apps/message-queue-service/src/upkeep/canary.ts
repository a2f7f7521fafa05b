import { uuidv7 } from '@santaclaude/kit/ids'
import { partitionOf } from '@santaclaude/log/names'
import type { NewEvent } from '@santaclaude/log/port'
import type { QueuePorts } from '../ports.ts'

/** Of the reserved tenant: no caller can see it. On a Cluster its partitions lie on all nodes. */
const topic = { tenant: 'sc', topic: 'canary' }
const group = { ...topic, group: 'canary' }
const PARTITIONS = 8
/** How long an event may take from being published to being settled. */
const DEADLINE_MS = 5_000

/** A key that leads to each partition. */
const keys = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let n = 0; ; n++) if (partitionOf(`k${n}`, PARTITIONS) === partition) return `k${n}`
})

/**
 * Publishes one event to every partition of a topic of our own, consumes and settles them, and counts how long each took
 * and how many never came: what a caller would feel, also while no caller is there.
 */
export async function sing({ log, meters }: Pick<QueuePorts, 'log' | 'meters'>): Promise<void> {
  const waiting = new Set<string>()
  try {
    if (!(await log.group(group))) await open(log)
    const startMs = performance.now()
    const events = keys.map((partitionkey): NewEvent => {
      const id = uuidv7()
      waiting.add(id)
      return { id, source: '/message-queue-service', type: 'mq.canary.sung', partitionkey }
    })
    await log.append(topic, events, { create: false })
    for (
      let leftMs = DEADLINE_MS;
      waiting.size > 0 && leftMs > 0;
      leftMs = DEADLINE_MS - (performance.now() - startMs)
    ) {
      const deliveries = await log.pull(group, { max: 100, waitMs: leftMs })
      await log.settle(
        group,
        deliveries.map(({ receipt }) => ({ op: 'ack', receipt })),
      )
      for (const { entry } of deliveries)
        if (waiting.delete(entry.event.id)) meters.canary.observe((performance.now() - startMs) / 1_000)
    }
    meters.canaryMisses.inc(waiting.size)
  } catch (error) {
    meters.canaryMisses.inc(waiting.size || PARTITIONS)
    throw error
  }
}

async function open(log: QueuePorts['log']) {
  await log.createTopic(topic, { partitions: PARTITIONS, retention: { maxEvents: 100 * PARTITIONS } })
  await log.putGroup(group, { start: { at: 'latest' }, leaseMs: DEADLINE_MS, deliveriesMax: 1_000 })
}
