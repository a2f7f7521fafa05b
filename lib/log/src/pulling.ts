import type { Semaphore } from '@santaclaude/kit/semaphore'
import type { Redis } from 'ioredis'
import type { Bells, Ring } from './bells.ts'
import { logError } from './faults.ts'
import { compileFilter } from './filter.ts'
import { Gates } from './gates.ts'
import { withRoom } from './limiting.ts'
import type { Delivery, Group, GroupAddress, PullOptions, Topic } from './port.ts'
import { release, relet } from './settling.ts'
import { type Rules, Shelf } from './shelf.ts'
import type { Topics } from './topics.ts'

/** One caller of `pull`, served in the order they came. */
interface Waiter {
  wanted: PullOptions
  isPatient: boolean
  /** Takes the caller out of the line; from then on only `answer` or `fail` ends its wait. */
  leave(): void
  answer(deliveries: Delivery[]): void
  fail(error: unknown): void
}

/** What the readers of a process share. */
export interface GroupReaderParts {
  redis: Redis
  topics: Topics
  bells: Bells
  /** One permit is one round of reading for one group. */
  rounds: Semaphore
}

/** A round is bounded, so it takes this long only when Redis hangs. */
const ROUND_WAIT_MS = 30_000
/** Reads of one hand-over: enough to fill a large demand, few enough that nobody waits long for the first entry. */
const PASSES_MAX = 8
const DEMAND_MAX = 1_000

/**
 * Reads for a group on behalf of everybody in this process who waits for it: never blocking in Redis, never more than
 * the waiters together asked for, only from partitions whose bell rang. A lease starts when the entry is handed over.
 */
export class GroupReader {
  private waiters: Waiter[] = []
  private shelves: Shelf[] = []
  private readonly gates: Gates
  private isRunning = false
  /** The group is paused or at its limit: nothing is looked for until a bell rings or somebody comes. */
  private isResting = false
  private turn = 0
  private readonly unlisten: () => void

  private readonly redis: Redis
  private readonly topics: Topics

  constructor(
    private readonly address: GroupAddress,
    private readonly readers: GroupReaderParts,
  ) {
    this.redis = readers.redis
    this.topics = readers.topics
    this.gates = new Gates(this.redis, address)
    this.unlisten = readers.bells.listen(address, (ring) => this.hear(ring))
  }

  get waiting() {
    return this.waiters.length
  }

  pull(wanted: PullOptions): Promise<Delivery[]> {
    const { waitMs, signal } = wanted
    if (signal?.aborted || wanted.max <= 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiter.leave()
        resolve([])
      }
      const timer = waitMs > 0 ? setTimeout(giveUp, waitMs) : undefined
      const waiter: Waiter = {
        ...{ wanted, isPatient: waitMs > 0, answer: resolve },
        leave: () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          this.waiters = this.waiters.filter((other) => other !== waiter)
        },
        fail: (error) => reject(logError(error, { isWrite: false })),
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      this.waiters.push(waiter)
      // Whoever does not wait for the bell wants a look now, whatever the bells have said so far.
      if (!waiter.isPatient) this.markAll()
      this.isResting = false
      this.run()
    })
  }

  /** What waits behind an earlier generation may be free now. */
  settled() {
    if (this.gates.hasClosed) this.run()
  }

  close() {
    this.unlisten()
    for (const shelf of this.shelves) shelf.close()
    this.dismiss((waiter) => waiter.answer([]))
  }

  private hear(ring: Ring | undefined) {
    const shelf = ring && this.shelves[ring.partition]
    if (ring?.group !== undefined && ring.group !== this.address.group) return
    if (ring?.isChange || (ring && !shelf)) this.topics.doubt(this.address)
    if (!ring || ring.isChange) this.gates.forget()
    if (!shelf || ring.isChange) this.markAll()
    else if (ring.lastId !== undefined) shelf.hear(ring.lastId)
    else shelf.hearGroup()
    this.isResting = false
    this.run()
  }

  private markAll() {
    for (const shelf of this.shelves) shelf.isFresh = shelf.isDue = true
  }

  private dismiss(end: (waiter: Waiter) => void, which = (_: Waiter) => true) {
    for (const waiter of this.waiters.filter(which)) {
      waiter.leave()
      end(waiter)
    }
  }

  private run() {
    if (this.isRunning || this.waiters.length === 0) return
    this.isRunning = true
    this.serve()
      .catch((error) => {
        this.markAll()
        this.dismiss((waiter) => waiter.fail(error))
      })
      .finally(() => {
        this.isRunning = false
        // Who came while the last look was under way has not been looked for.
        if (!this.isResting && this.dirty().length > 0) this.run()
      })
  }

  private async serve(): Promise<void> {
    const topic = await this.fit()
    await this.gates.look(topic, await this.topics.needGroup(this.address))
    while (this.waiters.length > 0 && this.dirty().length > 0 && !this.isResting) {
      // A bell that rings while we ask, or count, must not go unheard: resting comes first, waking may follow.
      this.isResting = true
      const group = await this.topics.needGroup(this.address)
      if (!group.isPaused) await this.serveOnce(group)
    }
    this.dismiss(
      (waiter) => waiter.answer([]),
      ({ isPatient }) => !isPatient,
    )
  }

  private async serveOnce(group: Group): Promise<void> {
    const { ordering, filter, inFlightMax } = group
    const rules: Rules = { ordering, fits: filter ? compileFilter(filter) : undefined }
    const give = async (room: number) => {
      const done = await this.readers.rounds.acquire({ waitMs: ROUND_WAIT_MS, lane: this.address.tenant })
      try {
        await this.handOver(group, await this.collect(rules, room))
      } finally {
        done()
      }
      return true
    }
    const topic = await this.topics.need(this.address)
    const hasGiven =
      inFlightMax === null
        ? await give(DEMAND_MAX)
        : await withRoom(this.redis, { topic, group: { ...group, inFlightMax } }, give)
    if (hasGiven) this.isResting = false
  }

  /** One shelf per partition the topic has now. */
  private async fit(): Promise<Topic> {
    const topic = await this.topics.need(this.address)
    for (let partition = this.shelves.length; partition < topic.partitions; partition++)
      this.shelves.push(new Shelf(this.redis, this.topics, this.address, partition, () => this.run()))
    return topic
  }

  private dirty() {
    return this.shelves.filter((shelf, partition) => (shelf.isFresh || shelf.isDue) && this.gates.isOpen(partition))
  }

  private async collect(rules: Rules, room: number): Promise<Delivery[]> {
    const collected: Delivery[] = []
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const demand = this.waiters.reduce((sum, { wanted }) => sum + wanted.max, 0)
      const dirty = this.dirty()
      const wanted = Math.min(DEMAND_MAX, room, demand) - collected.length
      if (wanted <= 0 || dirty.length === 0) break
      const from = this.turn++ % dirty.length
      const shelves = [...dirty.slice(from), ...dirty.slice(0, from)].slice(0, wanted)
      const share = Math.floor(wanted / shelves.length)
      const taken = await Promise.all(shelves.map((shelf) => shelf.take(share, rules)))
      collected.push(...taken.flat())
    }
    return collected
  }

  private async handOver(group: Group, collected: Delivery[]): Promise<void> {
    let rest = collected
    const under: Promise<unknown>[] = []
    for (const waiter of [...this.waiters]) {
      if (rest.length === 0) break
      // A caller may have left while we read; `waiters` is the truth.
      if (!this.waiters.includes(waiter)) continue
      const share = shareOf(waiter.wanted, rest)
      rest = rest.slice(share.length)
      waiter.leave()
      under.push(this.lease(group, waiter, share))
    }
    if (rest.length > 0) under.push(release(this.redis, group, rest))
    await Promise.all(under)
  }

  /** Hands deliveries to a caller, under the lease it asked for. */
  private async lease(group: Group, { wanted: { leaseMs }, answer, fail }: Waiter, share: Delivery[]): Promise<void> {
    try {
      if (leaseMs !== undefined && leaseMs !== group.leaseMs) {
        await this.topics.noteLease(group, leaseMs)
        await relet(this.redis, group, share, leaseMs)
      }
      answer(share)
    } catch (error) {
      fail(error)
    }
  }
}

/** The first of these that fit what one caller asked for; always at least one. */
function shareOf({ max, bytesMax }: PullOptions, deliveries: Delivery[]): Delivery[] {
  if (bytesMax === undefined) return deliveries.slice(0, max)
  let bytes = 0
  const end = deliveries.slice(0, max).findIndex(({ entry: { event } }, n) => {
    bytes += Buffer.byteLength(event.attributesJson) + Buffer.byteLength(event.dataJson ?? '')
    return n > 0 && bytes > bytesMax
  })
  return deliveries.slice(0, end < 0 ? max : end)
}
