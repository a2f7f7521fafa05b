/** Where the time comes from. Verbs take a clock so a test can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  constructor(private nowMs = 1_700_000_000_000) {}
  now = () => this.nowMs
  advance(ms: number) {
    this.nowMs += ms
  }
}
