import { pause } from '@santaclaude/kit/deadline'
import { type Delivery, type EventLog, type GroupAddress, LogError, type Settlement } from '@santaclaude/log/port'

/** Deliveries that one pull of a feed takes at most. */
const PULL_MAX = 100
const PULL_MS = 20_000
/** How often a full feed asks which of its leases others have settled, or time has. */
const LOOK_MS = 1_000
/** The pause before a store that is away is asked again. */
const AWAY_MS = 200

/** Which feed of this process holds a delivery. A settlement may come by another way than the delivery went. */
const holders = new WeakMap<EventLog, Map<string, Feed>>()

function holdersOf(log: EventLog): Map<string, Feed> {
  const known = holders.get(log) ?? new Map<string, Feed>()
  holders.set(log, known)
  return known
}

/** Tells the feeds of this process that these deliveries are no longer out. */
export function settledIn(log: EventLog, receipts: string[]) {
  const known = holders.get(log)
  if (known) for (const receipt of receipts) known.get(receipt)?.settled(receipt)
}

export interface FeedOptions {
  /** Deliveries that may be unsettled at once. */
  credit: number
  leaseMs?: number
}

/**
 * A group's deliveries for one connection, as they come: never more unsettled than its credit. When it ends, everything
 * that is still out goes back to the group at once, so nobody waits for a lease of somebody who has gone. What the client
 * never saw does not count as a delivery.
 */
export class Feed {
  private readonly out = new Map<string, { isSeen: boolean }>()
  private wake = () => {}

  constructor(
    private readonly log: EventLog,
    private readonly address: GroupAddress,
    private options: FeedOptions,
  ) {}

  /** From now on this many may be unsettled. */
  set credit(credit: number) {
    this.options = { ...this.options, credit }
    this.wake()
  }

  /** The client has been sent this delivery. */
  seen(receipt: string) {
    this.out.set(receipt, { isSeen: true })
  }

  settled(receipt: string) {
    this.out.delete(receipt)
    holdersOf(this.log).delete(receipt)
    this.wake()
  }

  /** Goes on until the signal aborts; rejects when the group is gone. A store that is away is waited for. */
  async *deliveries(signal: AbortSignal): AsyncGenerator<Delivery[]> {
    try {
      while (!signal.aborted) {
        const room = this.options.credit - this.out.size
        if (room <= 0) await this.roomy(signal)
        else {
          const got = await this.pull(room, signal)
          for (const { receipt } of got) {
            this.out.set(receipt, { isSeen: false })
            holdersOf(this.log).set(receipt, this)
          }
          if (got.length > 0 && !signal.aborted) yield got
        }
      }
    } finally {
      await this.giveBack()
    }
  }

  private async pull(room: number, signal: AbortSignal): Promise<Delivery[]> {
    const { leaseMs } = this.options
    const wanted = { max: Math.min(room, PULL_MAX), waitMs: PULL_MS, signal }
    try {
      return await this.log.pull(this.address, leaseMs === undefined ? wanted : { ...wanted, leaseMs })
    } catch (error) {
      if (!isAway(error)) throw error
      await pause(AWAY_MS, signal)
      return []
    }
  }

  /** Waits for a settlement. Those that came to another process are only seen by asking. */
  private async roomy(signal: AbortSignal): Promise<void> {
    const heard = new AbortController()
    this.wake = () => heard.abort()
    await pause(LOOK_MS, AbortSignal.any([signal, heard.signal]))
    this.wake = () => {}
    if (heard.signal.aborted || signal.aborted) return
    const receipts = [...this.out.keys()]
    const held = await this.log.holds(this.address, receipts).catch((error) => {
      if (isAway(error)) return receipts.map(() => true)
      throw error
    })
    for (const [n, receipt] of receipts.entries()) if (!held[n]) this.settled(receipt)
  }

  private async giveBack(): Promise<void> {
    const back = [...this.out].map(([receipt, { isSeen }]): Settlement => {
      return isSeen ? { op: 'nack', receipt, delayMs: 0, reason: 'the consumer went away' } : { op: 'release', receipt }
    })
    for (const { receipt } of back) this.settled(receipt)
    // With the store away, the leases end by themselves.
    if (back.length > 0) await this.log.settle(this.address, back).catch(() => {})
  }
}

const isAway = (error: unknown) =>
  error instanceof LogError && (error.code === 'store_unavailable' || error.code === 'outcome_unknown')
