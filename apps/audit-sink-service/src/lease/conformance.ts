import { describe, expect, test } from 'bun:test'
import type { Leases } from './port.ts'

/** Two replicas that ask the same granter, and a way to make it forget a lease. */
export interface LeasesUnderTest {
  one: Leases
  other: Leases
  /** Takes the lease away, as when its owner was silent for too long. */
  expire(name: string): Promise<void>
}

/** The promises of {@link Leases}; every adapter passes them. */
export function leasesConformance(name: string, open: () => Promise<LeasesUnderTest>) {
  describe(`${name} keeps the promises of leases`, () => {
    test('one at a time holds a name, and a released name is free at once', async () => {
      const { one, other } = await open()
      const lease = await one.acquire('a')
      expect(await other.acquire('a')).toBeUndefined()
      await (await other.acquire('b'))?.release()
      await lease?.release()
      expect(lease?.lost.aborted).toBeTrue()
      const next = await other.acquire('a')
      expect(next?.lost.aborted).toBeFalse()
      await next?.release()
    })

    test('a holder learns that its lease was taken, and its release does not take the next one away', async () => {
      const { one, other, expire } = await open()
      const lease = await one.acquire('a')
      await expire('a')
      const next = await other.acquire('a')
      if (lease && !lease.lost.aborted) await new Promise((done) => lease.lost.addEventListener('abort', done))
      await lease?.release()
      expect(await one.acquire('a')).toBeUndefined()
      expect(next?.lost.aborted).toBeFalse()
      await next?.release()
    })

    test('it tells the time', async () => {
      const { one } = await open()
      const lease = await one.acquire('a')
      const first = lease?.nowMs() ?? 0
      expect(first).toBeGreaterThan(1_600_000_000_000)
      expect(lease?.nowMs()).toBeGreaterThanOrEqual(first)
      await lease?.release()
    })
  })
}
