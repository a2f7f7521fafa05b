import { type Clock, systemClock } from '@santaclaude/kit/clock'
import type { Agenda, Item } from './port.ts'

/** What the processes of a test share, as they would share a Redis. */
export interface Table {
  items: Map<string, Item & { dueMs: number | null }>
  owner?: { token: object; untilMs: number }
  fence: number
}

export const emptyTable = (): Table => ({ items: new Map(), fence: 0 })

/** An agenda in this process, for tests; give two of them one table and they are two replicas. */
export function agendaInMemory({
  clock = systemClock,
  table = emptyTable(),
}: {
  clock?: Clock
  table?: Table
} = {}): Agenda {
  const idOf = (tenant: string, id: string) => `${tenant}/${id}`
  const token = {}
  return {
    get: async (tenant, id) => table.items.get(idOf(tenant, id)),
    list: async (tenant, { limit, after = '' }) =>
      [...table.items.values()]
        .filter((item) => item.tenant === tenant && item.id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    put: async ({ tenant, id, body, dueMs }, { version, fence } = {}) => {
      const known = table.items.get(idOf(tenant, id))?.version ?? 0
      if (fence !== undefined && table.fence > fence) return undefined
      if (version !== undefined && version !== known) return undefined
      table.items.set(idOf(tenant, id), { tenant, id, body, version: known + 1, dueMs })
      return known + 1
    },
    delete: async (tenant, id) => table.items.delete(idOf(tenant, id)),
    own: async (holdMs) => {
      const { owner } = table
      if (owner && owner.token !== token && owner.untilMs > clock.now()) return 0
      if (!owner || owner.untilMs <= clock.now()) table.fence++
      table.owner = { token, untilMs: clock.now() + holdMs }
      return table.fence
    },
    due: async (limit) =>
      [...table.items.values()]
        .filter(({ dueMs }) => dueMs !== null && dueMs <= clock.now())
        .sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0))
        .slice(0, limit),
    now: async () => clock.now(),
  }
}
