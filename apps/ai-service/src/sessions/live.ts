import { pause } from '@santaclaude/kit/deadline'
import { Fault, type FaultCode } from '@santaclaude/service/faults'
import { faultOf } from '../providers/fault-of.ts'
import type { SessionAddress, SessionStore, TurnEvent } from './store/port.ts'
import type { Turn } from './turn.ts'

const flushEveryMs = 25
const pollMs = 150

interface Live {
  address: SessionAddress
  events: TurnEvent[]
  isOver: boolean
  /** Those who wait for the next event. */
  waiting: Set<() => void>
}

/**
 * Turns that run on this replica, detached from the connection that began them: whoever lost it reads on from the last
 * event it saw, here from memory, on another replica from the store, where the events follow within some 25 ms.
 */
export class LiveTurns {
  private readonly live = new Map<string, Live>()
  private readonly running = new Set<Promise<void>>()
  private readonly end = new AbortController()

  constructor(private readonly sessions: SessionStore) {}

  /** Aborts when this replica goes away; every turn runs under it. */
  get signal(): AbortSignal {
    return this.end.signal
  }

  start(turn: Turn): void {
    const live: Live = { address: turn.address, events: [], isOver: false, waiting: new Set() }
    this.live.set(turn.id, live)
    const run = Promise.all([this.pump(turn, live), this.flush(turn, live)]).then(() => {
      this.live.delete(turn.id)
      this.running.delete(run)
    })
    this.running.add(run)
  }

  /** A turn's events after `seq`, until its end. A turn that failed throws its Fault. */
  async *read(address: SessionAddress, turnId: string, after: number, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    let seq = after
    for (;;) {
      const next = await this.next(address, turnId, seq, signal)
      for (const event of next) {
        if (event.event === 'turn.failed') throw faultFrom(event.data as Failure)
        seq = event.seq
        yield event
        if (event.event === 'turn.completed') return
      }
      if (signal.aborted) return
    }
  }

  /** Ends the turns that still run and waits until that is written down. */
  async close(): Promise<void> {
    this.end.abort(new Fault('draining', { detail: 'This replica is shutting down; the answer is not complete.' }))
    await Promise.all(this.running)
  }

  private async pump({ steps }: Turn, live: Live): Promise<void> {
    const add = (event: string, data: unknown) => {
      live.events.push({ seq: live.events.length + 1, event, data })
      for (const wake of live.waiting) wake()
      live.waiting.clear()
    }
    try {
      for await (const { event, data } of steps) add(event, data)
    } catch (error) {
      const { code, message } = faultOf(error)
      add('turn.failed', { code, detail: message } satisfies Failure)
    } finally {
      live.isOver = true
    }
  }

  /** Writes what has come since the last time, until all is written. A store that is away costs only the resuming elsewhere. */
  private async flush({ id, address }: Turn, live: Live): Promise<void> {
    let written = 0
    while (!live.isOver || written < live.events.length) {
      await pause(flushEveryMs)
      const batch = live.events.slice(written)
      written += batch.length
      await this.sessions.addEvents(address, id, batch).catch(() => {})
    }
  }

  private async next(address: SessionAddress, turnId: string, seq: number, signal: AbortSignal): Promise<TurnEvent[]> {
    const live = this.live.get(turnId)
    if (!live || !isSame(live.address, address)) return this.fromStore(address, turnId, seq, signal)
    if (live.events.length <= seq && !live.isOver) {
      await new Promise<void>((resolve) => {
        live.waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return live.events.slice(seq)
  }

  private async fromStore(
    address: SessionAddress,
    turnId: string,
    seq: number,
    signal: AbortSignal,
  ): Promise<TurnEvent[]> {
    const isRunning = (await this.sessions.holder(address)) === turnId
    const events = await this.sessions.events(address, turnId, seq)
    if (events.length > 0) return events
    await pause(pollMs, signal)
    if (isRunning || signal.aborted) return []
    // Its last events may have been on their way while the lease was given back.
    const late = await this.sessions.events(address, turnId, seq)
    if (late.length === 0) throw lost(seq)
    return late
  }
}

interface Failure {
  code: FaultCode
  detail: string
}

const faultFrom = ({ code, detail }: Failure) => new Fault(code, { detail })

/** Nobody runs it and nobody knows more of it: it was never there, it is too long ago, or its replica died. */
const lost = (seq: number) =>
  seq === 0
    ? new Fault('not_found', { detail: 'There is no such turn; its events are kept for ten minutes.' })
    : new Fault('outcome_unknown', {
        detail: 'The replica that ran this turn is gone; read the session to see what it holds.',
      })

const isSame = (a: SessionAddress, b: SessionAddress) => a.tenant === b.tenant && a.id === b.id
