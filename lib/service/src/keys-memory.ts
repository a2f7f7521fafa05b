import type { Keys, StoredKey } from './keys.ts'

/** Keys in a map; for tests. */
export function keysInMemory(): Keys {
  const kept = new Map<string, StoredKey>()
  return {
    find: async (id) => structuredClone(kept.get(id)),
    put: async (key) => {
      kept.set(key.id, structuredClone(key))
    },
    replace: async (before, after) => {
      if (JSON.stringify(kept.get(before.id)) !== JSON.stringify(before)) return false
      kept.set(after.id, structuredClone(after))
      return true
    },
    list: async (tenant) =>
      [...kept.values()]
        .filter((key) => key.tenant === tenant)
        .sort((a, b) => b.createdAtMs - a.createdAtMs)
        .slice(0, 1000)
        .map((key) => structuredClone(key)),
  }
}
