import { pause } from '@santaclaude/kit/deadline'
import type { QueuePorts } from '../ports.ts'
import type { Upkeep } from './upkeep.ts'

/** The longest one look waits; it ends early when an event is due, or will be earlier than was known. */
const waitMs = 10_000
const againMs = 250

/**
 * Makes delayed events readable as they become due. Every replica does this, so none is missed when one dies; the log
 * sees to it that each event is moved once.
 */
export function startPromoting({ log, meters, warn }: Pick<QueuePorts, 'log' | 'meters' | 'warn'>): Upkeep {
  const stopping = new AbortController()
  const { signal } = stopping
  const rounds = (async () => {
    while (!signal.aborted) {
      try {
        meters.upkept.inc({ what: 'promoted' }, await log.promote({ waitMs, signal }))
      } catch (error) {
        meters.sweepFailures.inc()
        warn('delayed events could not be moved', error)
        await pause(againMs, signal)
      }
    }
  })()
  return {
    close: async () => {
      stopping.abort()
      await rounds
    },
  }
}
