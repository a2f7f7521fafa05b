import type { Clock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import { type Circuit, type CircuitLimits, circuitAfter, closedCircuit, stateOf } from '../breaker.ts'
import type { Condition } from '../store/port.ts'

export interface GateOptions {
  concurrency: number
  clock: Clock
  limits: CircuitLimits
  /** What the last owner knew. */
  condition?: Condition | undefined
  /** Told when something changed that the next owner should know. */
  onChange(condition: Condition, before: Condition): void
}

/** What came of an attempt, as far as the endpoint goes. */
export interface Report {
  /** null = it did not come to an attempt. */
  isSuccess: boolean | null
  /** The endpoint asked to be left alone for so long. */
  holdMs: number
}

/**
 * How many messages may go to one endpoint now: its concurrency, none while its circuit is open or while it asked to be
 * left alone, one when the circuit is tried again. Messages that were fetched and must wait do so in line.
 */
export class Gate {
  private known: Condition
  private inside = 0
  private readonly line: ((word: 'go' | 'shut') => void)[] = []
  private readonly watchers = new Set<() => void>()

  constructor(private readonly options: GateOptions) {
    this.known = options.condition ?? this.clear()
  }

  get condition() {
    return this.known
  }

  set concurrency(value: number) {
    this.options.concurrency = value
    this.stir()
  }

  /** Forgets what was known of the endpoint: its tenant says that it is well. */
  reset() {
    this.change(this.clear())
  }

  /** How long nothing may go, 0 = not at all. */
  shutMs(): number {
    const nowMs = this.options.clock.now()
    const state = stateOf(this.known, nowMs)
    return Math.max(state.state === 'open' ? state.waitMs : 0, (this.known.holdUntilMs ?? 0) - nowMs, 0)
  }

  /** How many more messages may be fetched. */
  free(): number {
    if (this.shutMs() > 0) return 0
    return Math.max(0, this.width() - this.inside - this.line.length)
  }

  /** Resolves when {@link free} is more than 0, or when the signal aborts. */
  async open(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Asked first: time only ever opens what is shut, so what is not shut now has room or is full.
      const shutMs = this.shutMs()
      if (shutMs === 0 && this.free() > 0) return
      const changed = new AbortController()
      const wake = () => changed.abort()
      this.watchers.add(wake)
      await pause(shutMs || waitMsMax, AbortSignal.any([signal, changed.signal]))
      this.watchers.delete(wake)
    }
  }

  /** A fetched message's turn: `shut` when it must go back because nothing may be sent for a while. */
  enter(signal: AbortSignal): Promise<'go' | 'shut'> {
    if (signal.aborted || this.shutMs() > 0) return Promise.resolve('shut')
    if (this.inside < this.width()) {
      this.inside++
      return Promise.resolve('go')
    }
    return new Promise((resolve) => {
      const answer = (word: 'go' | 'shut') => {
        signal.removeEventListener('abort', leave)
        resolve(word)
      }
      const leave = () => {
        this.line.splice(this.line.indexOf(answer), 1)
        answer('shut')
      }
      signal.addEventListener('abort', leave, { once: true })
      this.line.push(answer)
    })
  }

  /** A message that went is done; without a report nothing was learnt of the endpoint. */
  leave(report?: Report) {
    this.inside--
    if (report) this.learn(report)
    this.stir()
  }

  private width() {
    return stateOf(this.known, this.options.clock.now()).state === 'closed' ? this.options.concurrency : 1
  }

  private learn({ isSuccess, holdMs }: Report) {
    const { clock, limits } = this.options
    const nowMs = clock.now()
    const { holdUntilMs, failingSinceMs } = this.known
    // "Too much" is not "broken": it holds the endpoint, it does not open its circuit.
    const isNews = isSuccess !== null && holdMs === 0
    const circuit = isNews ? circuitAfter(this.known, { isSuccess, nowMs, limits }) : this.known
    const hold = Math.max(holdUntilMs ?? 0, holdMs > 0 ? nowMs + holdMs : 0)
    this.change({
      ...circuitOf(circuit),
      holdUntilMs: hold > nowMs ? hold : null,
      failingSinceMs: isSuccess === null ? failingSinceMs : isSuccess ? null : (failingSinceMs ?? nowMs),
      atMs: nowMs,
    })
  }

  private change(next: Condition) {
    const before = this.known
    this.known = next
    const { atMs: _, ...now } = next
    if (Object.entries(now).some(([name, value]) => before[name as keyof Condition] !== value))
      this.options.onChange(next, before)
    this.stir()
  }

  /** Lets in whom there is room for, sends the others back when it is shut, and wakes those who watch. */
  private stir() {
    const isShut = this.shutMs() > 0
    while (this.line.length > 0 && (isShut || this.inside < this.width())) {
      if (!isShut) this.inside++
      this.line.shift()?.(isShut ? 'shut' : 'go')
    }
    for (const watcher of this.watchers) watcher()
  }

  private clear(): Condition {
    return { ...closedCircuit, holdUntilMs: null, failingSinceMs: null, atMs: this.options.clock.now() }
  }
}

const circuitOf = ({ failures, trips, openUntilMs }: Circuit): Circuit => ({ failures, trips, openUntilMs })

/** Full, not shut: whoever leaves wakes us; this is only so that no wait is without an end. */
const waitMsMax = 60_000
