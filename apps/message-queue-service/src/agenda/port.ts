/** A thing of a tenant that somebody must look at when its time comes: a schedule, a redrive under way. */
export interface Item {
  tenant: string
  id: string
  /** JSON text. */
  body: string
  /** Grows by one with every write. */
  version: number
}

export interface Wish {
  tenant: string
  id: string
  body: string
  /** When somebody must look at it, by the store's clock; null = never. */
  dueMs: number | null
}

/** What a write demands to find: this version (0 = nothing), or an owner no newer than this fence. */
export interface Terms {
  version?: number
  fence?: number
}

/** Things with a time. All times are the store's; every replica may write, one at a time looks after what is due. */
export interface Agenda {
  get(tenant: string, id: string): Promise<Item | undefined>
  /** By id, those behind `after`. */
  list(tenant: string, page: { limit: number; after?: string }): Promise<Item[]>
  /** The new version, or undefined when the terms do not hold; then nothing is written. */
  put(wish: Wish, terms?: Terms): Promise<number | undefined>
  /** Whether it was there. */
  delete(tenant: string, id: string): Promise<boolean>
  /** Takes or keeps the one ownership for `holdMs`: the owner's fence, 0 when somebody else is the owner. */
  own(holdMs: number): Promise<number>
  /** What is due, the most overdue first. */
  due(limit: number): Promise<Item[]>
  now(): Promise<number>
}
