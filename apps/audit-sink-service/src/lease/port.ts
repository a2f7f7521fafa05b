/** The exclusive right to do a named piece of work, until it is released or lost. Renewed by itself meanwhile. */
export interface Lease {
  /** Aborts when the right is gone: taken by another, or not renewed in time. */
  readonly lost: AbortSignal
  /** The time of the one who grants leases, in milliseconds since the epoch; may be a little behind it, never ahead. */
  nowMs(): number
  /** Gives the right back at once. Safe to call after it was lost. */
  release(): Promise<void>
}

/** Grants leases: of all replicas, one at a time holds a name. */
export interface Leases {
  /** The lease, or nothing while another holds it. Rejects when there is nobody to ask. */
  acquire(name: string): Promise<Lease | undefined>
}
