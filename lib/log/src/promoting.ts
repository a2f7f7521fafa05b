import { pause } from '@santaclaude/kit/deadline'
import type { Redis } from 'ioredis'
import type { Bells } from './bells.ts'
import { bellOf, dueBell, dueKey, life, partitionKeys } from './names.ts'
import type { TopicAddress } from './port.ts'
import { runScript } from './scripts.ts'

/** Partitions and events of one step. */
const PARTITIONS = 64
const EVENTS = 256

/**
 * Makes delayed events readable when they are due. An index names the partitions that hold some, by the earliest due
 * time; it is only a hint. Whoever takes a partition from it moves its due events in one atomic step, so any number of
 * processes may promote. A hint that got lost with a process is found again by the next round of retention.
 */
export class Promoter {
  /** Partitions to look after that the index does not name: taken from it, or what it could not be told. */
  private readonly taken = new Set<string>()
  private hasHeard = false
  private wake = () => {}
  private unlisten: (() => void) | undefined

  constructor(
    private readonly redis: Redis,
    private readonly bells: Bells,
  ) {}

  /** Notes that a partition holds events that are due then, and wakes the promoters if that is earlier than they know. */
  async announce(address: TopicAddress, partition: number, dueMs: number | string): Promise<void> {
    const isNews = await this.redis.zadd(dueKey, 'LT', 'CH', dueMs, placeOf(address, partition))
    if (isNews) await this.redis.publish(dueBell, '0 0-0')
  }

  /** The same, without a wait: a note that cannot be left is remembered here, and the next look goes there. */
  tell(address: TopicAddress, partition: number, dueMs: string) {
    this.announce(address, partition, dueMs).catch(() => {
      this.taken.add(placeOf(address, partition))
      this.wake()
    })
  }

  /** How many became readable; waits for the first up to `waitMs`. */
  async promote({ waitMs, signal }: { waitMs: number; signal?: AbortSignal }): Promise<number> {
    this.unlisten ??= this.bells.hear(dueBell, () => {
      this.hasHeard = true
      this.wake()
    })
    const endMs = performance.now() + waitMs
    for (;;) {
      this.hasHeard = false
      const { moved, nextMs } = await this.look()
      const leftMs = endMs - performance.now()
      if (moved > 0 || leftMs <= 0 || signal?.aborted) return moved
      if (!this.hasHeard) await this.rest(nextMs < 0 ? leftMs : Math.min(leftMs, nextMs), signal)
    }
  }

  close() {
    this.unlisten?.()
    this.wake()
  }

  private async rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController()
    this.wake = () => woken.abort()
    await pause(ms, signal ? AbortSignal.any([signal, woken.signal]) : woken.signal)
  }

  private async look(): Promise<{ moved: number; nextMs: number }> {
    const [nextMs, ...due] = await runScript<[number, ...string[]]>(this.redis, 'claim', [dueKey], [PARTITIONS])
    for (const place of due) this.taken.add(place)
    const moved = await Promise.all([...this.taken].map((place) => this.moveAll(place)))
    return { moved: moved.reduce((sum, count) => sum + count, 0), nextMs: due.length === PARTITIONS ? 0 : nextMs }
  }

  private async moveAll(place: string): Promise<number> {
    const [tenant = '', topic = '', number = ''] = place.split('/')
    const [address, partition] = [{ tenant, topic }, Number(number)]
    const keys = partitionKeys(address, partition)
    for (let sum = 0; ; ) {
      const [moved, nextMs, inMs] = await runScript<[number, string, number]>(
        this.redis,
        'promote',
        [keys.stream, keys.meta, keys.delayed, keys.delayedEvents],
        [life(), bellOf(address), partition, EVENTS],
      )
      sum += moved
      if (nextMs !== '' && inMs > 0) await this.announce(address, partition, nextMs)
      if (nextMs !== '' && inMs === 0) continue
      this.taken.delete(place)
      return sum
    }
  }
}

const placeOf = ({ tenant, topic }: TopicAddress, partition: number) => `${tenant}/${topic}/${partition}`
