/** How much a pool may hold and how long it waits. Times are in milliseconds. */
export interface PoolSettings {
  /** Browser processes. */
  browsersMax: number
  /** Sessions, each with a context of its own, in one process. */
  sessionsPerBrowserMax: number
  sessionsPerTenantMax: number
  pagesPerSessionMax: number
  /** Requests for a session that may wait for a place. */
  queueMax: number
  /** How long one of them waits. */
  queueWaitMs: number
  /** A session nobody uses for this long ends, unless it was opened with another limit. */
  sessionIdleMs: number
  /** A session ends this long after it began, whatever happens in it. */
  sessionLifeMs: number
  /** A browser without sessions is closed after this. */
  browserIdleMs: number
  /** A browser that had this many sessions takes no more: long-lived ones get slow. */
  sessionsPerBrowserLife: number
  /** Every living browser is asked for a sign of life this often, and killed when it does not answer in time. */
  pingEveryMs: number
  pingDeadlineMs: number
  launchDeadlineMs: number
  closeDeadlineMs: number
}

export const defaultPoolSettings: PoolSettings = {
  browsersMax: 4,
  sessionsPerBrowserMax: 8,
  sessionsPerTenantMax: 16,
  pagesPerSessionMax: 8,
  queueMax: 32,
  queueWaitMs: 15_000,
  sessionIdleMs: 300_000,
  sessionLifeMs: 3_600_000,
  browserIdleMs: 60_000,
  sessionsPerBrowserLife: 200,
  pingEveryMs: 2_000,
  pingDeadlineMs: 5_000,
  launchDeadlineMs: 30_000,
  closeDeadlineMs: 2_000,
}
