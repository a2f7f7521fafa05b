import { backoffMs } from '@santaclaude/kit/backoff'
import type { Clock } from '@santaclaude/kit/clock'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { type Driver, DriverError } from '../driver/port.ts'
import { ended } from './faults.ts'
import { Line, LineError } from './line.ts'
import { type EndReason, Session, type SessionOptions, type SessionPage } from './session.ts'
import type { PoolSettings } from './settings.ts'
import { BrowserSlot, type SlotEnd } from './slot.ts'

/** What the pool tells the outside about. None of it may throw. */
export interface PoolEvents {
  /** `by` is who asked for it, when somebody did. */
  onSessionEnded?(session: Session, reason: EndReason, by: Who | undefined): void
  onPopup?(session: Session, page: SessionPage): void
  onBrowserGone?(end: SlotEnd): void
  onLaunchFailed?(error: unknown): void
}

export interface PoolPorts {
  driver: Driver
  clock: Clock
  settings: PoolSettings
  events?: PoolEvents
}

/** How many ended sessions are remembered, to say why they ended. */
const endingsMax = 1_000
/** What a caller who finds the pool full is told to wait, in milliseconds. */
const retryAfterMs = 5_000
/** How fast a browser that died is replaced when they keep dying. */
const replacing = { baseMs: 250, capMs: 30_000 }

/**
 * Browsers, and the sessions in them. Everything in it is bounded: processes, sessions, pages, the line of those who
 * wait, and the memory of what has ended.
 *
 * A browser that dies is replaced at once; its sessions end with `browser_crashed`, for their cookies and pages are lost.
 */
export class Pool {
  private readonly slots = new Set<BrowserSlot>()
  private readonly sessions = new Map<string, Session>()
  private readonly endings = new Map<string, { tenant: string; reason: EndReason }>()
  private readonly line: Line<string, BrowserSlot>
  /** Sessions on their way in, by tenant: they count against its limit before they have an id. */
  private readonly coming = new Map<string, number>()
  private readonly idleSinceMs = new Map<BrowserSlot, number>()
  private readonly timers = new Set<ReturnType<typeof setTimeout>>()
  private deathsInARow = 0
  private isClosed = false
  /** Why the last launch failed; nothing once one has worked. */
  launchError: unknown

  constructor(private readonly ports: PoolPorts) {
    this.line = new Line(ports.settings.queueMax)
  }

  /**
   * Opens a session, waiting in line for a place if it must. `signal` takes the caller out of the line.
   * Faults: session_limit, pool_busy, browser_unavailable, deadline_exceeded, draining.
   */
  async open(
    tenant: string,
    options: SessionOptions,
    { waitMs = this.settings.queueWaitMs, signal }: { waitMs?: number; signal?: AbortSignal } = {},
  ): Promise<Session> {
    if (this.isClosed) throw new Fault('draining')
    const { sessionsPerTenantMax, sessionIdleMs, sessionLifeMs, pagesPerSessionMax, launchDeadlineMs } = this.settings
    const has = this.of(tenant).length + (this.coming.get(tenant) ?? 0)
    if (has >= sessionsPerTenantMax)
      throw new Fault('session_limit', { detail: `This tenant has ${has} sessions open, its limit.`, retryAfterMs })
    this.coming.set(tenant, (this.coming.get(tenant) ?? 0) + 1)
    let slot: BrowserSlot | undefined
    try {
      slot = await this.claim(tenant, { waitMs, signal })
      const browser = await slot.started
      const context = await browser.newContext({ ...options, deadlineMs: launchDeadlineMs })
      const session = new Session(
        {
          tenant,
          slot,
          context,
          clock: this.ports.clock,
          pagesMax: pagesPerSessionMax,
          idleMs: options.idleMs ?? sessionIdleMs,
          lifeMs: sessionLifeMs,
          onPopup: (session, page) => this.ports.events?.onPopup?.(session, page),
        },
        options,
      )
      if (slot.state === 'gone') throw new DriverError('gone', 'the browser died')
      this.sessions.set(session.id, session)
      return session
    } catch (error) {
      if (slot) this.release(slot)
      throw this.openFault(error, slot)
    } finally {
      const left = (this.coming.get(tenant) ?? 1) - 1
      if (left > 0) this.coming.set(tenant, left)
      else this.coming.delete(tenant)
    }
  }

  /** A tenant's session. Faults: session_not_found; session_ended or browser_crashed when it is over. */
  session(tenant: string, id: string): Session {
    const session = this.sessions.get(id)
    if (session?.tenant === tenant) return session
    const ending = this.endings.get(id)
    if (ending?.tenant === tenant) throw ended(ending.reason)
    throw new Fault('session_not_found', { detail: `There is no session ${id.slice(0, 64)} in this tenant.` })
  }

  /** A tenant's living sessions, newest first. */
  of(tenant: string): Session[] {
    return [...this.sessions.values()].filter((session) => session.tenant === tenant).reverse()
  }

  /** Every living session. */
  all(): Session[] {
    return [...this.sessions.values()]
  }

  /** Ends a session and gives its place to the next in line. Ending it twice ends it once. */
  async end(session: Session, reason: EndReason, by?: Who): Promise<void> {
    if (session.endReason !== undefined) return
    session.endReason = reason
    this.sessions.delete(session.id)
    this.endings.set(session.id, { tenant: session.tenant, reason })
    for (const id of this.endings.keys()) {
      if (this.endings.size <= endingsMax) break
      this.endings.delete(id)
    }
    this.ports.events?.onSessionEnded?.(session, reason, by)
    const { slot, context } = session.place
    if (slot.state !== 'gone') await context.close({ deadlineMs: this.settings.closeDeadlineMs })
    this.release(slot)
  }

  /** Ends what is over its time and closes browsers that nobody used for long. */
  async sweep(): Promise<void> {
    const nowMs = this.ports.clock.now()
    const ends = this.all().flatMap((session) => {
      const reason = session.dueReason(nowMs)
      return reason ? [this.end(session, reason)] : []
    })
    const closes = [...this.idleSinceMs]
      .filter(([, sinceMs]) => nowMs - sinceMs >= this.settings.browserIdleMs)
      .map(([slot]) => this.retire(slot))
    await Promise.all([...ends, ...closes])
  }

  /** Asks every browser for a sign of life. */
  async check(): Promise<void> {
    await Promise.all([...this.slots].map((slot) => slot.isAlive()))
  }

  /** Sweeps and checks from now on, until the pool is closed. */
  watch(): this {
    const every = (ms: number, work: () => Promise<void>) => {
      const timer = setInterval(() => void work().catch(() => {}), ms)
      this.timers.add(timer)
    }
    every(this.settings.pingEveryMs, () => this.check())
    every(1_000, () => this.sweep())
    return this
  }

  /** Ends every session and every browser. */
  async close(): Promise<void> {
    this.isClosed = true
    for (const timer of this.timers) clearTimeout(timer)
    this.line.close()
    await Promise.all(this.all().map((session) => this.end(session, 'shutdown')))
    await Promise.all([...this.slots].map((slot) => slot.close()))
  }

  get stats() {
    const { browsersMax, sessionsPerBrowserMax, queueMax } = this.settings
    return {
      browsers: [...this.slots],
      browsersMax,
      sessions: this.sessions.size,
      sessionsMax: browsersMax * sessionsPerBrowserMax,
      pages: this.all().reduce((sum, { pages }) => sum + pages.size, 0),
      waiting: this.line.length,
      waitingMax: queueMax,
    }
  }

  private get settings() {
    return this.ports.settings
  }

  private async claim(
    tenant: string,
    wait: { waitMs: number; signal?: AbortSignal | undefined },
  ): Promise<BrowserSlot> {
    // Nobody overtakes the line unless those in it cannot use what is free.
    this.serve()
    return this.offer(tenant) ?? this.line.join(tenant, wait)
  }

  /** A place for a tenant's session, held from now on, or nothing. */
  private offer(tenant: string): BrowserSlot | undefined {
    const own = [...this.slots].find((slot) => slot.tenant === tenant && slot.hasRoom)
    const slot = own ?? this.unused() ?? this.launched() ?? this.takenOver()
    if (!slot) return undefined
    slot.tenant = tenant
    slot.held++
    slot.served++
    this.idleSinceMs.delete(slot)
    return slot
  }

  private unused = () => [...this.slots].find((slot) => slot.tenant === undefined && slot.hasRoom)

  private launched(): BrowserSlot | undefined {
    const running = [...this.slots].filter(({ state }) => state !== 'retiring').length
    if (this.isClosed || running >= this.settings.browsersMax) return undefined
    const slot = new BrowserSlot(this.ports.driver, this.settings, {
      startedAtMs: this.ports.clock.now(),
      onGone: (gone, end) => this.lost(gone, end),
    })
    this.slots.add(slot)
    slot.started.then(
      () => {
        this.launchError = undefined
      },
      (error) => {
        this.launchError = error
        this.ports.events?.onLaunchFailed?.(error)
      },
    )
    this.idleSinceMs.set(slot, slot.startedAtMs)
    return slot
  }

  /** A fresh browser in the place of one that another tenant no longer uses. */
  private takenOver(): BrowserSlot | undefined {
    const [left] = this.idleSinceMs.keys()
    if (!left) return undefined
    // It keeps running for the moment it needs to end, and no longer counts against the limit.
    void this.retire(left)
    return this.launched()
  }

  private release(slot: BrowserSlot): void {
    slot.held--
    if (slot.held === 0 && slot.state !== 'gone') {
      this.idleSinceMs.set(slot, this.ports.clock.now())
      if (!slot.hasRoom) void this.retire(slot)
    }
    this.serve()
  }

  private serve(): void {
    if (!this.isClosed) this.line.serve((tenant) => this.offer(tenant))
  }

  private async retire(slot: BrowserSlot): Promise<void> {
    this.idleSinceMs.delete(slot)
    await slot.close()
  }

  private lost(slot: BrowserSlot, end: SlotEnd): void {
    this.slots.delete(slot)
    this.idleSinceMs.delete(slot)
    this.ports.events?.onBrowserGone?.(end)
    for (const session of this.all()) if (session.place.slot === slot) void this.end(session, 'browser_crashed')
    if (end === 'closed') {
      this.serve()
      return
    }
    const livedMs = this.ports.clock.now() - slot.startedAtMs
    this.deathsInARow = livedMs > 60_000 ? 0 : this.deathsInARow + 1
    this.replaceSoon(this.deathsInARow <= 1 ? 0 : backoffMs(this.deathsInARow, replacing))
  }

  /** Those in line first; with nobody in it, a spare browser, so the next session does not wait for a start. */
  private replaceSoon(delayMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      this.serve()
      if (!this.unused()) this.launched()
    }, delayMs)
    this.timers.add(timer)
  }

  private openFault(error: unknown, slot: BrowserSlot | undefined): unknown {
    if (error instanceof LineError) {
      if (error.reason === 'closed') return new Fault('draining')
      const detail =
        error.reason === 'full'
          ? `${this.settings.queueMax} requests wait for a browser already.`
          : 'No browser became free in time.'
      return new Fault('pool_busy', { detail, retryAfterMs })
    }
    if (!(error instanceof DriverError)) return error
    if (error.failure === 'timeout') void slot?.isAlive()
    return new Fault('browser_unavailable', { cause: error, retryAfterMs })
  }
}
