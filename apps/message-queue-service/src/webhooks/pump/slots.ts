import { Semaphore } from '@santaclaude/kit/semaphore'

/** The most of all places that one tenant may take. */
const tenantShare = 1 / 4
/** Who waits is bounded by what the gates let be fetched; this is only so that no line is without an end. */
const waitersMax = 100_000

/**
 * A replica's places for messages on their way. No tenant gets more than a quarter of them, so endpoints that take their
 * time hold up their own tenant's messages and nobody else's; for the rest tenants take turns.
 */
export class Slots {
  private readonly all: Semaphore
  private readonly perTenant: number
  private readonly tenants = new Map<string, { places: Semaphore; users: number }>()

  constructor(placesMax: number) {
    this.all = new Semaphore(placesMax, waitersMax)
    this.perTenant = Math.max(1, Math.ceil(placesMax * tenantShare))
  }

  /** Answers a function that gives the place back; rejects with a `SemaphoreError` when there was none in time. */
  async acquire(tenant: string, waiting: { waitMs: number; signal?: AbortSignal }): Promise<() => void> {
    const own = this.tenants.get(tenant) ?? { places: new Semaphore(this.perTenant, waitersMax), users: 0 }
    this.tenants.set(tenant, own)
    own.users++
    const leave = () => {
      if (--own.users === 0) this.tenants.delete(tenant)
    }
    try {
      const giveOwn = await own.places.acquire(waiting)
      try {
        const give = await this.all.acquire({ ...waiting, lane: tenant })
        return () => {
          give()
          giveOwn()
          leave()
        }
      } catch (error) {
        giveOwn()
        throw error
      }
    } catch (error) {
      leave()
      throw error
    }
  }
}
