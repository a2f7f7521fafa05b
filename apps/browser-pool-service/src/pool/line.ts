/** Thrown to somebody who could not stay in the line, or was not served in time. */
export class LineError extends Error {
  constructor(readonly reason: 'full' | 'timeout' | 'aborted' | 'closed') {
    super(`left the line: ${reason}`)
    this.name = 'LineError'
  }
}

interface Waiter<Wish, Thing> {
  wish: Wish
  give(thing: Thing): void
  leave(reason: LineError['reason']): void
}

/**
 * A bounded line of those who wait for something that not every freed thing can satisfy. First come, first served; who
 * cannot be served now is passed by, not waited for, and leaves at a deadline of his own.
 */
export class Line<Wish, Thing> {
  private readonly waiters: Waiter<Wish, Thing>[] = []

  constructor(readonly waitersMax: number) {}

  get length() {
    return this.waiters.length
  }

  join(wish: Wish, { waitMs, signal }: { waitMs: number; signal?: AbortSignal | undefined }): Promise<Thing> {
    if (this.waiters.length >= this.waitersMax) return Promise.reject(new LineError('full'))
    if (signal?.aborted) return Promise.reject(new LineError('aborted'))
    return new Promise((resolve, reject) => {
      const out = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        const place = this.waiters.indexOf(waiter)
        if (place >= 0) this.waiters.splice(place, 1)
      }
      const waiter: Waiter<Wish, Thing> = {
        wish,
        give: (thing) => {
          out()
          resolve(thing)
        },
        leave: (reason) => {
          out()
          reject(new LineError(reason))
        },
      }
      const onAbort = () => waiter.leave('aborted')
      const timer = setTimeout(() => waiter.leave('timeout'), waitMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.waiters.push(waiter)
    })
  }

  /** Offers what there is to each waiter in turn; `offer` answers nothing when it has nothing for this wish. */
  serve(offer: (wish: Wish) => Thing | undefined): void {
    for (const waiter of [...this.waiters]) {
      const thing = offer(waiter.wish)
      if (thing !== undefined) waiter.give(thing)
    }
  }

  /** Sends everybody away. */
  close(): void {
    for (const waiter of [...this.waiters]) waiter.leave('closed')
  }
}
