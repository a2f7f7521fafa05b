import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Leases } from './port.ts'

/** Leases within one process. `expire` takes one away, as when its owner was not heard of. */
export function memoryLeases(clock: Clock = systemClock): Leases & { expire(name: string): void } {
  const held = new Map<string, AbortController>()
  const end = (name: string) => {
    held.get(name)?.abort()
    held.delete(name)
  }
  return {
    expire: end,
    acquire: async (name) => {
      if (held.has(name)) return undefined
      const lost = new AbortController()
      held.set(name, lost)
      return {
        lost: lost.signal,
        nowMs: () => clock.now(),
        release: async () => {
          if (held.get(name) === lost) end(name)
        },
      }
    },
  }
}
