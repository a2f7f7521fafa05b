/**
 * The wait before attempt `attempt` (0 = the first retry), in milliseconds: exponential with full jitter, so that many
 * clients that failed together do not return together.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(
  attempt: number,
  { baseMs, capMs, random = Math.random }: { baseMs: number; capMs: number; random?: () => number },
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** attempt))
}
