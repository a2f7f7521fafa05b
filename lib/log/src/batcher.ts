import { FairLine } from '@santaclaude/kit/fair-line'

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
 * as the load makes it, and no timer adds latency. Lanes (the tenants) take turns: behind the long line of one, an item
 * of another leaves with the next batch. Within a lane items leave in the order they came.
 */
export class Batcher<Item> {
  private waiting = new FairLine<{ item: Item; size: number; lane: string }>()
  private waitingSize = 0
  private readonly laneSizes = new Map<string, number>()
  private inFlight = 0
  private isScheduled = false

  constructor(
    private readonly flush: (items: Item[]) => Promise<void>,
    private readonly limits: BatchLimits,
  ) {}

  /** Whether `size` more may join the line. One lane may fill half of it, and who has nothing in it may go beyond. */
  hasRoom(size: number, lane: string) {
    const own = this.laneSizes.get(lane) ?? 0
    if (own > 0 && own + size > this.limits.waitingSizeMax / 2) return false
    const most = own === 0 ? this.limits.waitingSizeMax * 2 : this.limits.waitingSizeMax
    return this.waitingSize === 0 || this.waitingSize + size <= most
  }

  add(item: Item, { size, lane }: { size: number; lane: string }) {
    this.waiting.add(lane, { item, size, lane })
    this.waitingSize += size
    this.laneSizes.set(lane, (this.laneSizes.get(lane) ?? 0) + size)
    this.schedule()
  }

  /** What has not left yet, taken out of the line. */
  drain(): Item[] {
    const items: Item[] = []
    for (let next = this.waiting.next(); next; next = this.waiting.next()) items.push(next.item)
    this.waitingSize = 0
    this.laneSizes.clear()
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
    const items: Item[] = []
    let size = 0
    for (let next = this.waiting.peek(); next; next = this.waiting.peek()) {
      if (items.length > 0 && (items.length >= this.limits.itemsMax || size + next.size > this.limits.sizeMax)) break
      this.waiting.next()
      items.push(next.item)
      size += next.size
      const left = (this.laneSizes.get(next.lane) ?? 0) - next.size
      if (left > 0) this.laneSizes.set(next.lane, left)
      else this.laneSizes.delete(next.lane)
    }
    this.waitingSize -= size
    return items
  }
}
