import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Directory } from './port.ts'

/** A directory of one process, for tests. */
export function directoryInMemory(clock: Clock = systemClock): Directory {
  const listed = new Map<string, { replica: string; untilMs: number }>()
  const keyOf = (tenant: string, id: string) => JSON.stringify([tenant, id])
  return {
    list: async (listings, { ttlMs }) => {
      for (const { tenant, id, replica } of listings)
        listed.set(keyOf(tenant, id), { replica, untilMs: clock.now() + ttlMs })
    },
    find: async (tenant, id) => {
      const found = listed.get(keyOf(tenant, id))
      return found && found.untilMs > clock.now() ? found.replica : undefined
    },
    remove: async (tenant, id) => {
      listed.delete(keyOf(tenant, id))
    },
  }
}
