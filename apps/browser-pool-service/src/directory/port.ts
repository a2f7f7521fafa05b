/** Where a session lives. */
export interface Listing {
  tenant: string
  id: string
  /** The replica that holds its browser. */
  replica: string
}

/**
 * Which replica holds which session. Sessions themselves live and die in one process; this is the list by which the
 * others know. A listing lapses by itself when its replica no longer renews it.
 */
export interface Directory {
  /** Lists sessions, or renews their listings, for `ttlMs`. */
  list(listings: Listing[], options: { ttlMs: number }): Promise<void>
  /** The replica of a session of this tenant. */
  find(tenant: string, id: string): Promise<string | undefined>
  remove(tenant: string, id: string): Promise<void>
}
