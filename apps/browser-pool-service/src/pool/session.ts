import type { Clock } from '@santaclaude/kit/clock'
import { uuidv7 } from '@santaclaude/kit/ids'
import { Semaphore, SemaphoreError } from '@santaclaude/kit/semaphore'
import { Fault } from '@santaclaude/service/faults'
import type { DriverPage } from '../driver/page.ts'
import { type ContextOptions, type DriverContext, DriverError } from '../driver/port.ts'
import { ended, faultOf } from './faults.ts'
import type { BrowserSlot } from './slot.ts'

export interface SessionOptions extends ContextOptions {
  /** Milliseconds without a command after which the session ends. */
  idleMs?: number
  /** Whether scripts may be run in its pages by keys without browser:admin. */
  allowEvaluate?: boolean
}

/** Why a session ended. `closed`: somebody asked for it; `shutdown`: this replica stopped. */
export type EndReason = 'closed' | 'idle' | 'expired' | 'browser_crashed' | 'shutdown'

/** How many commands may wait for a page that is busy with another one. */
const turnsMax = 8
/** A page that left so many commands in a row without an answer is closed: each of them still holds memory. */
const silencesMax = 8

/** One page of a session. Commands take turns: a page that types and navigates at once does neither. */
export interface SessionPage {
  id: string
  openedAtMs: number
  /** Whether a page opened it, not a caller. */
  isPopup: boolean
  driver: DriverPage
  turn: Semaphore
  silences: number
}

interface Place {
  tenant: string
  slot: BrowserSlot
  context: DriverContext
  clock: Clock
  pagesMax: number
  idleMs: number
  lifeMs: number
  /** Told of each page that a page opened by itself. */
  onPopup(session: Session, page: SessionPage): void
}

/** One context of one browser, with its pages. All it holds ends with it. */
export class Session {
  readonly id = uuidv7()
  readonly createdAtMs: number
  readonly pages = new Map<string, SessionPage>()
  endReason: EndReason | undefined
  private lastUsedAtMs: number
  private running = 0
  private opening = 0

  constructor(
    readonly place: Place,
    readonly options: SessionOptions,
  ) {
    this.createdAtMs = this.lastUsedAtMs = place.clock.now()
    place.context.onPopup((page) => {
      // A page that opens pages without end costs itself the ones over the limit and nobody else anything.
      if (this.endReason !== undefined || this.pages.size + this.opening >= place.pagesMax)
        void page.close({ deadlineMs: 2_000 })
      else place.onPopup(this, this.keep(page, true))
    })
  }

  get tenant() {
    return this.place.tenant
  }
  get expiresAtMs() {
    return this.createdAtMs + this.place.lifeMs
  }
  /** When it ends if nobody uses it before. */
  get idleAtMs() {
    return this.lastUsedAtMs + this.place.idleMs
  }
  /** Which reason there is to end it now, if any. */
  dueReason(nowMs: number): EndReason | undefined {
    if (nowMs >= this.expiresAtMs) return 'expired'
    return this.running === 0 && nowMs >= this.idleAtMs ? 'idle' : undefined
  }

  /** Opens a page. Faults: page_limit, deadline_exceeded, browser_crashed. */
  async openPage(deadlineMs: number): Promise<SessionPage> {
    const { pagesMax } = this.place
    if (this.pages.size + this.opening >= pagesMax)
      throw new Fault('page_limit', {
        detail: `This session has ${pagesMax} pages open, its limit.`,
        retryAfterMs: 1_000,
      })
    this.opening++
    try {
      return this.keep(await this.using(() => this.place.context.newPage({ deadlineMs })), false)
    } finally {
      this.opening--
    }
  }

  page(id: string): SessionPage {
    if (this.endReason !== undefined) throw ended(this.endReason)
    const page = this.pages.get(id)
    if (!page)
      throw new Fault('page_not_found', {
        detail: `This session has no page ${id.slice(0, 64)}; it may have closed itself.`,
      })
    return page
  }

  /**
   * Runs one command on a page when its turn comes; the wait counts into the deadline. Faults: page_not_found, page_busy,
   * and what the driver's failures mean.
   */
  async run<T>(
    pageId: string,
    deadlineMs: number,
    command: (page: DriverPage, leftMs: number) => Promise<T>,
  ): Promise<T> {
    const page = this.page(pageId)
    return this.using(async () => {
      const startedMs = performance.now()
      const release = await page.turn.acquire({ waitMs: deadlineMs }).catch((error) => {
        throw busy(error)
      })
      try {
        const answer = await command(page.driver, Math.max(1, deadlineMs - (performance.now() - startedMs)))
        page.silences = 0
        return answer
      } catch (error) {
        if (error instanceof DriverError && error.failure === 'timeout') this.countSilence(page)
        throw error
      } finally {
        release()
      }
    })
  }

  private async using<T>(work: () => Promise<T>): Promise<T> {
    this.running++
    this.lastUsedAtMs = this.place.clock.now()
    try {
      return await work()
    } catch (error) {
      throw error instanceof DriverError ? await faultOf(error, this) : error
    } finally {
      this.running--
      this.lastUsedAtMs = this.place.clock.now()
    }
  }

  private countSilence(page: SessionPage): void {
    if (++page.silences >= silencesMax) void page.driver.close({ deadlineMs: 2_000 })
  }

  private keep(driver: DriverPage, isPopup: boolean): SessionPage {
    const page: SessionPage = {
      id: uuidv7(),
      openedAtMs: this.place.clock.now(),
      isPopup,
      driver,
      turn: new Semaphore(1, turnsMax),
      silences: 0,
    }
    this.pages.set(page.id, page)
    driver.onClosed(() => this.pages.delete(page.id))
    return page
  }
}

function busy(error: unknown): unknown {
  if (!(error instanceof SemaphoreError)) return error
  return new Fault('page_busy', {
    detail:
      error.reason === 'full'
        ? `${turnsMax} commands wait for this page already.`
        : 'The page was busy until the deadline.',
    retryAfterMs: 1_000,
  })
}
