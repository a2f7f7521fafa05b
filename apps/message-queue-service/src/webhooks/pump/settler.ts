import { pause } from '@santaclaude/kit/deadline'
import { type EventLog, type GroupAddress, LogError, type Settled, type Settlement } from '@santaclaude/log/port'

interface Waiting {
  settlement: Settlement
  resolve(settled: Settled): void
  reject(error: unknown): void
}

const batchMax = 256
const firstPauseMs = 50

/**
 * Settles the deliveries of one group, those of one turn of the event loop together. While the log is away it tries
 * again for `patienceMs`: repeating is safe, and an acknowledgement that is given up means that the message goes out twice.
 */
export class Settler {
  private waiting: Waiting[] = []

  constructor(
    private readonly log: Pick<EventLog, 'settle'>,
    private readonly address: GroupAddress,
    private readonly patienceMs: number,
  ) {}

  settle(settlement: Settlement): Promise<Settled> {
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ settlement, resolve, reject }) === 1) setImmediate(() => this.flush())
    })
  }

  private flush() {
    const all = this.waiting
    this.waiting = []
    for (let at = 0; at < all.length; at += batchMax) this.send(all.slice(at, at + batchMax))
  }

  private async send(batch: Waiting[]): Promise<void> {
    const settlements = batch.map(({ settlement }) => settlement)
    const startedMs = performance.now()
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      try {
        const settled = await this.log.settle(this.address, settlements)
        for (const [at, one] of settled.entries()) batch[at]?.resolve(one)
        return
      } catch (error) {
        if (!isPassing(error) || performance.now() - startedMs + pauseMs > this.patienceMs) {
          for (const { reject } of batch) reject(error)
          return
        }
        await pause(pauseMs)
      }
    }
  }
}

/** Whether the log may be back in a moment. */
export const isPassing = (error: unknown) =>
  error instanceof LogError && (error.code === 'store_unavailable' || error.code === 'outcome_unknown')
