/** How much may travel together, how often, and how much may wait. Sizes are in characters of the payload. */
export interface BatchLimits {
  itemsMax: number
  sizeMax: number
  inFlightMax: number
  waitingSizeMax: number
}

/**
 * Batches by its own clock: an item that finds the way free leaves at once (with what else comes in this turn of the
 * event loop), and what arrives while `inFlightMax` batches are out leaves together with the next. So a batch is as deep
 * as the load makes it, and no timer adds latency. Items leave in the order they came.
 */
export class Batcher<Item> {
  private waiting: { item: Item; size: number }[] = []
  private waitingSize = 0
  private inFlight = 0
  private isScheduled = false

  constructor(
    private readonly flush: (items: Item[]) => Promise<void>,
    private readonly limits: BatchLimits,
  ) {}

  /** Whether `size` more may join the line. */
  hasRoom(size: number) {
    return this.waitingSize === 0 || this.waitingSize + size <= this.limits.waitingSizeMax
  }

  add(item: Item, size: number) {
    this.waiting.push({ item, size })
    this.waitingSize += size
    this.schedule()
  }

  /** What has not left yet, taken out of the line. */
  drain(): Item[] {
    const items = this.waiting.map(({ item }) => item)
    this.waiting = []
    this.waitingSize = 0
    return items
  }

  private schedule() {
    if (this.isScheduled || this.inFlight >= this.limits.inFlightMax || this.waiting.length === 0) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      this.leave()
    })
  }

  private leave() {
    while (this.waiting.length > 0 && this.inFlight < this.limits.inFlightMax) {
      const items = this.take()
      this.inFlight++
      this.flush(items).finally(() => {
        this.inFlight--
        this.schedule()
      })
    }
  }

  private take(): Item[] {
    let count = 0
    let size = 0
    for (const next of this.waiting) {
      if (count > 0 && (count >= this.limits.itemsMax || size + next.size > this.limits.sizeMax)) break
      count++
      size += next.size
    }
    this.waitingSize -= size
    return this.waiting.splice(0, count).map(({ item }) => item)
  }
}
