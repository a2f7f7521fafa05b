import type { Taken } from './store/port.ts'

/** How long a slice is good for: the most that a change of a limit, or a hoard in an idle replica, lives on. */
const goodMs = 1_000

export interface Refused {
  waitMs: number
  perSecond: number
}

/**
 * A slice of a shared rate, spent here without asking. It is fetched anew in the background when half of it is gone, so
 * a caller only waits when a slice ran out. Something larger than what is left is let through and leaves a debt, which
 * the next slice pays: so a batch of any size gets its turn, and the rate still holds.
 */
export class Lease {
  private tokens = 0
  private size = 0
  private untilMs = Number.NEGATIVE_INFINITY
  private refused: (Refused & { untilMs: number }) | undefined
  private refilling: Promise<void> | undefined

  constructor(
    private readonly take: (debt: number) => Promise<Taken>,
    private readonly nowMs: () => number,
  ) {}

  /** Whether the slice at hand paid for it. */
  spend(count: number): boolean {
    if (this.tokens <= 0 || this.nowMs() >= this.untilMs) return false
    this.tokens -= count
    if (this.tokens < this.size / 2 && !this.refused) void this.refill()
    return true
  }

  /** Spends from a fresh slice, or says how long to wait for one. */
  async refillAndSpend(count: number): Promise<Refused | undefined> {
    for (;;) {
      if (this.refused && this.nowMs() < this.refused.untilMs) {
        const { untilMs, perSecond } = this.refused
        return { waitMs: Math.max(1, untilMs - this.nowMs()), perSecond }
      }
      await this.refill()
      if (this.spend(count)) return undefined
      // Others who waited for the same slice took it: the next one tells whether there is more.
    }
  }

  /** What is at hand is given up, so that a new limit holds at once. */
  end() {
    this.untilMs = Number.NEGATIVE_INFINITY
    this.refused = undefined
  }

  private refill(): Promise<void> {
    this.refilling ??= this.fetch().finally(() => {
      this.refilling = undefined
    })
    return this.refilling
  }

  private async fetch(): Promise<void> {
    const debt = Math.max(0, -this.tokens)
    if (this.nowMs() >= this.untilMs) this.tokens = Math.min(0, this.tokens)
    this.refused = undefined
    try {
      const { granted, waitMs, perSecond } = await this.take(debt)
      const nowMs = this.nowMs()
      this.tokens += debt
      if (granted === null || perSecond === null) this.tokens = Number.POSITIVE_INFINITY
      else if (granted > 0) this.tokens += granted
      else this.refused = { waitMs, perSecond, untilMs: nowMs + waitMs }
      this.size = granted ?? 0
      if (granted !== 0) this.untilMs = nowMs + goodMs
    } catch {
      // The store is away: nobody is counted for a moment.
      this.tokens = Number.POSITIVE_INFINITY
      this.size = 0
      this.untilMs = this.nowMs() + goodMs
    }
  }
}
