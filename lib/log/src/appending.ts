import type { Bells } from './bells.ts'
import type { Connections } from './connections.ts'
import { packEvent } from './event.ts'
import { logError, saysRedis } from './faults.ts'
import { type Item, type Job, Lane } from './lane.ts'
import { partitionOf } from './names.ts'
import { type Appended, type AppendOptions, LogError, type NewEvent, type Topic, type TopicAddress } from './port.ts'
import { canGive, mustWait } from './reach.ts'
import { EVENT_BYTES_MAX } from './settings.ts'
import type { Topics } from './topics.ts'
import { checkWhole } from './whole.ts'

const waitingSizeMax = 64 * 1024 * 1024
const quickLimits = { itemsMax: 256, sizeMax: 256 * 1024, inFlightMax: 2, waitingSizeMax }
/** A confirmation takes its time, so many share one. */
const sureLimits = { itemsMax: 4_096, sizeMax: 4 * 1024 * 1024, inFlightMax: 1, waitingSizeMax }

/** Appends of every caller in this process. */
export class Appender {
  private readonly quick: Lane
  private readonly sure: Lane

  constructor(
    { appends, sureAppends }: Pick<Connections, 'appends' | 'sureAppends'>,
    private readonly topics: Topics,
    bells: Bells,
  ) {
    this.quick = new Lane(appends, bells, quickLimits)
    this.sure = new Lane(sureAppends, bells, sureLimits)
  }

  async append(address: TopicAddress, events: NewEvent[], options: AppendOptions): Promise<Appended[]> {
    try {
      return await this.appendTo(await this.find(address, options), events, options)
    } catch (error) {
      if (!saysRedis(error, 'GONE') || !options.create) throw logError(error, { isWrite: true })
    }
    this.topics.forget(address)
    try {
      return await this.appendTo(await this.find(address, options), events, options)
    } catch (error) {
      throw logError(error, { isWrite: true })
    }
  }

  private async find(address: TopicAddress, { create }: AppendOptions): Promise<Topic> {
    try {
      const found = await this.topics.find(address)
      if (found) return found
      if (create) return await this.topics.create(address, create === true ? {} : create)
    } catch (error) {
      // Nothing has been appended yet, whatever became of looking up the topic.
      throw logError(error, { isWrite: false })
    }
    throw new LogError('topic_not_found', `There is no topic '${address.topic}'.`)
  }

  private async appendTo(topic: Topic, events: NewEvent[], options: AppendOptions): Promise<Appended[]> {
    if (events.length === 0) return []
    const packed = events.map(packEvent)
    const sizes = packed.map(sizeOf)
    const partitions = events.map((event) => ownPartition(topic, event))
    const isWhole = options.isAtomic || options.expectedLastId !== undefined
    if (isWhole) checkWhole(partitions, events.length)
    const wish = options.durability ?? {}
    const lane = await this.laneFor(wish)
    if (!lane.hasRoom(sizes.reduce((sum, size) => sum + size, 0)))
      throw new LogError('store_unavailable', 'Too many appends are waiting for Redis.')
    return new Promise((resolve, reject) => {
      const job: Job = { wish, outcomes: [], left: events.length, resolve, reject }
      const carried = events.map((event, index) => ({ event, packed: packed[index] as string[], index }))
      const { expectedLastId } = options
      if (isWhole) {
        const condition = expectedLastId === undefined ? {} : { expectedLastId }
        const item: Item = { topic, partition: partitions[0], events: carried, condition, job }
        lane.add(
          item,
          sizes.reduce((sum, size) => sum + size, 0),
        )
      } else
        for (const [n, one] of carried.entries())
          lane.add({ topic, partition: partitions[n], events: [one], job }, sizes[n] as number)
    })
  }

  /** The connection for a wish, or why it cannot be had. */
  private async laneFor(wish: { level?: 'memory' | 'aof' | 'fsync'; replicas?: number }): Promise<Lane> {
    if (wish.level === undefined && !wish.replicas) return this.quick
    const reach = await this.quick.reach({ isFresh: true })
    if (canGive(reach, wish)) return mustWait(reach, wish) ? this.sure : this.quick
    const has = `${reach.level}${reach.canWaitForDisk ? ' (fsync on request)' : ''} and ${reach.replicas} replicas`
    throw new LogError('durability_unavailable', `The server has ${has}.`)
  }
}

/** Where an event must lie; undefined = anywhere. */
function ownPartition({ partitions }: Topic, { partitionkey, idempotency }: NewEvent): number | undefined {
  const key = partitionkey ?? idempotency?.key
  if (key !== undefined) return partitionOf(key, partitions)
  return partitions === 1 ? 0 : undefined
}

function sizeOf(packed: string[]): number {
  const size = packed.reduce((sum, text) => sum + text.length, 0)
  const bytes = size * 3 < EVENT_BYTES_MAX ? size : packed.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > EVENT_BYTES_MAX)
    throw new LogError('event_too_large', `An event may have ${EVENT_BYTES_MAX} bytes; this one has ${bytes}.`)
  return bytes
}
