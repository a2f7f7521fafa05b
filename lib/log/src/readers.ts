import { Semaphore } from '@santaclaude/kit/semaphore'
import type { Redis } from 'ioredis'
import type { Bells } from './bells.ts'
import type { Delivery, GroupAddress, PullOptions } from './port.ts'
import { GroupReader } from './pulling.ts'
import type { Topics } from './topics.ts'

/** How long a reader stays without a caller before it is put away. */
const IDLE_MS = 60_000

/** Groups that are read for at once; the others wait in line, tenant by tenant. */
const ROUNDS = 32

/** The readers of this process, one per group, however many callers wait. */
export class Readers {
  private readonly readers = new Map<string, { reader: GroupReader; usedAtMs: number }>()
  /** Whoever reads for a group does so in rounds, and the rounds of all groups go round the tenants. */
  readonly rounds = new Semaphore(ROUNDS, Number.POSITIVE_INFINITY)
  private readonly tidy = setInterval(() => this.putAway(), IDLE_MS)

  constructor(
    readonly redis: Redis,
    readonly topics: Topics,
    readonly bells: Bells,
  ) {}

  pull(address: GroupAddress, options: PullOptions): Promise<Delivery[]> {
    const id = `${address.tenant}/${address.topic}/${address.group}`
    const known = this.readers.get(id)?.reader
    const reader = known ?? new GroupReader(address, this)
    this.readers.set(id, { reader, usedAtMs: performance.now() })
    return reader.pull(options)
  }

  /** The group settled something: what waited for that may be given now. */
  settled({ tenant, topic, group }: GroupAddress) {
    this.readers.get(`${tenant}/${topic}/${group}`)?.reader.settled()
  }

  /** Callers in line over all groups. */
  get waiting() {
    return [...this.readers.values()].reduce((sum, { reader }) => sum + reader.waiting, 0)
  }

  close() {
    clearInterval(this.tidy)
    for (const { reader } of this.readers.values()) reader.close()
    this.readers.clear()
  }

  private putAway() {
    for (const [id, { reader, usedAtMs }] of this.readers) {
      if (reader.waiting > 0 || performance.now() - usedAtMs < IDLE_MS) continue
      reader.close()
      this.readers.delete(id)
    }
  }
}
