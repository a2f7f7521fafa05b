import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Tickets } from './tickets.ts'

/** Tickets in a map; for tests. */
export function ticketsInMemory({ clock = systemClock }: { clock?: Clock } = {}): Tickets {
  const kept = new Map<string, { text: string; untilMs: number }>()
  return {
    async keep(name, text, forMs) {
      kept.set(name, { text, untilMs: clock.now() + forMs })
    },
    async take(name) {
      const found = kept.get(name)
      kept.delete(name)
      return found && found.untilMs > clock.now() ? found.text : undefined
    },
  }
}
