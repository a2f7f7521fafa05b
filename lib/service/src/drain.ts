/** How a service goes away: first it says so, then its streams end, then its last requests finish. */
export class Drain {
  private readonly end = new AbortController()
  private readonly last = new AbortController()
  private readonly idle: (() => void)[] = []
  private draining = false
  private count = 0

  /** True from the moment the stop was asked for; `/ready` answers 503. */
  get isDraining() {
    return this.draining
  }
  /** Aborts when streams without an end of their own must send their end event. */
  get streamsEnd(): AbortSignal {
    return this.end.signal
  }
  /** Aborts when the time to finish is over, for streams that would have come to an end by themselves. */
  get lastCall(): AbortSignal {
    return this.last.signal
  }
  /** Requests and streams not yet finished. */
  get inFlight() {
    return this.count
  }

  announce() {
    this.draining = true
  }

  endStreams() {
    this.draining = true
    this.end.abort()
  }

  callLast() {
    this.endStreams()
    this.last.abort()
  }

  enter() {
    this.count++
  }

  leave() {
    if (--this.count === 0) for (const wake of this.idle.splice(0)) wake()
  }

  /** Resolves when nothing is in flight. */
  whenIdle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.idle.push(resolve))
  }
}
