import type { Redis } from 'ioredis'
import { before } from './generations.ts'
import { partitionKeys } from './names.ts'
import type { Group, GroupAddress, Topic } from './port.ts'
import { runScript } from './scripts.ts'

/**
 * Which partitions a group may be given from. One of a later generation opens when those that may hold earlier events of
 * its keys have been handed out and, for a group that orders, settled.
 */
export class Gates {
  private readonly open = new Set<number>()
  private generations = 1
  private closed = 0

  constructor(
    private readonly redis: Redis,
    private readonly address: GroupAddress,
  ) {}

  /** Something may be waiting behind a gate. */
  get hasClosed() {
    return this.closed > 0
  }

  isOpen = (partition: number) => this.generations === 1 || this.open.has(partition)

  /** What was open is looked at again: the group may have been moved back. */
  forget() {
    this.open.clear()
  }

  async look(topic: Topic, { ordering }: Group): Promise<void> {
    this.generations = topic.generations.length
    this.closed = 0
    if (this.generations === 1) return
    const looks = new Map<number, Promise<boolean>>()
    const isDrained = (partition: number) => {
      const look = looks.get(partition) ?? this.isDrained(topic, partition, ordering !== 'none')
      looks.set(partition, look)
      return look
    }
    for (let partition = 0; partition < topic.partitions; partition++) {
      if (this.open.has(partition)) continue
      const former = before(topic, partition)
      const isFree = former.every(this.isOpen) && (await Promise.all(former.map(isDrained))).every(Boolean)
      if (isFree) this.open.add(partition)
      else this.closed++
    }
  }

  private async isDrained(topic: Topic, partition: number, isStrict: boolean): Promise<boolean> {
    const { stream, meta } = partitionKeys(topic, partition)
    return (
      (await runScript<number>(this.redis, 'drained', [stream, meta], [this.address.group, isStrict ? 1 : 0])) === 1
    )
  }
}
