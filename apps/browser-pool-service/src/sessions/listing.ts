import type { Ports } from '../ports.ts'

/** How long a listing lasts without being renewed, in milliseconds. */
export const listingMs = 60_000
const renewEveryMs = 20_000

/** Keeps this replica's sessions in the directory until closed. While the directory is away the listings lapse and come back. */
export function keepListed({ pool, directory, replica }: Pick<Ports, 'pool' | 'directory' | 'replica'>): {
  close(): void
} {
  const renew = () => {
    const listings = pool.all().map(({ tenant, id }) => ({ tenant, id, replica }))
    directory.list(listings, { ttlMs: listingMs }).catch(() => {})
  }
  const timer = setInterval(renew, renewEveryMs)
  return { close: () => clearInterval(timer) }
}
