import { within } from '@santaclaude/kit/deadline'
import { uuidv7 } from '@santaclaude/kit/ids'
import { type Driver, type DriverBrowser, DriverError } from '../driver/port.ts'
import type { PoolSettings } from './settings.ts'

export type SlotState = 'starting' | 'ready' | 'retiring' | 'gone'
/** Why a browser is no more: we closed it, it died, it stopped answering, or it never came up. */
export type SlotEnd = 'closed' | 'crashed' | 'frozen' | 'not_started'

/** A place for one browser process: it starts at once, serves one tenant at a time, and tells once when it is gone. */
export class BrowserSlot {
  readonly id = uuidv7()
  /** The tenant whose sessions it holds. Two tenants never share a process, not even one after the other. */
  tenant: string | undefined
  /** Sessions that are in it or on their way in. */
  held = 0
  /** Sessions it ever held. */
  served = 0
  state: SlotState = 'starting'
  browser: DriverBrowser | undefined
  /** Rejects with the driver's error when the browser does not come up. */
  readonly started: Promise<DriverBrowser>
  private ending: SlotEnd | undefined
  private asking: Promise<boolean> | undefined
  private readonly left = Promise.withResolvers<void>()

  constructor(
    driver: Driver,
    private readonly settings: PoolSettings,
    private readonly told: { startedAtMs: number; onGone: (slot: BrowserSlot, end: SlotEnd) => void },
  ) {
    this.started = driver.launch({ deadlineMs: settings.launchDeadlineMs }).then(
      (browser) => this.begin(browser),
      (error) => {
        this.ending = 'not_started'
        this.leave()
        throw error
      },
    )
    // Whoever asked for this browser awaits the promise too; a spare one has nobody.
    this.started.catch(() => {})
  }

  get startedAtMs() {
    return this.told.startedAtMs
  }

  /** Whether a session more may come in. */
  get hasRoom() {
    return (
      (this.state === 'starting' || this.state === 'ready') &&
      this.held < this.settings.sessionsPerBrowserMax &&
      this.served < this.settings.sessionsPerBrowserLife
    )
  }

  /** Whether the browser answers. One that does not is killed, whatever else it may be doing. */
  async isAlive(): Promise<boolean> {
    if (this.state === 'gone') return false
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined
    })
    return this.asking
  }

  private async ask(): Promise<boolean> {
    if (await this.answers()) return true
    this.ending ??= 'frozen'
    this.browser?.kill()
    await within(1_000, 'the end of a killed browser', this.left.promise).catch(() => {})
    this.leave()
    return false
  }

  /** Asked twice: after a pause of our own process, the deadline of the first question passes before its answer is read. */
  private async answers(): Promise<boolean> {
    for (const attempt of [1, 2]) {
      try {
        await this.browser?.ping({ deadlineMs: this.settings.pingDeadlineMs / 2 })
        return true
      } catch (error) {
        if (attempt === 2 || !(error instanceof DriverError && error.failure === 'timeout')) return false
      }
    }
    return false
  }

  /** Closes the browser, or the one that is still coming up. */
  async close(): Promise<void> {
    if (this.state === 'gone') return
    this.state = 'retiring'
    this.ending ??= 'closed'
    const browser = this.browser ?? (await this.started.catch(() => undefined))
    await browser?.close({ deadlineMs: this.settings.closeDeadlineMs })
    this.leave()
  }

  private begin(browser: DriverBrowser): DriverBrowser {
    this.browser = browser
    if (this.state === 'starting') this.state = 'ready'
    browser.onGone(() => this.leave())
    return browser
  }

  private leave(): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.left.resolve()
    this.told.onGone(this, this.ending ?? 'crashed')
  }
}
