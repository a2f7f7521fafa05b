import { within } from '@santaclaude/kit/deadline'
import type { Readiness } from '../peers/probe.ts'

/** This service's own readiness, by the checks its `/ready` makes. Never throws. */
export async function ownReadiness(
  checks: Record<string, () => Promise<unknown>>,
  deadlineMs: number,
): Promise<Readiness> {
  const found = Object.entries(checks).map(async ([part, check]): Promise<[string, boolean]> => {
    try {
      await within(deadlineMs, part, check())
      return [part, true]
    } catch {
      return [part, false]
    }
  })
  const parts = Object.fromEntries(await Promise.all(found))
  return { state: Object.values(parts).every(Boolean) ? 'ready' : 'failing', parts }
}
