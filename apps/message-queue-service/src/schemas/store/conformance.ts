import { expect, test } from 'bun:test'
import type { SchemaStore, TypeEntry } from './port.ts'

let made = 0

/** What every store of schemas promises. */
export function schemaStoreConformance(name: string, store: () => SchemaStore) {
  const entry = (latest: number, type = 'shop.order.placed'): TypeEntry => ({
    ...{ type, latest, compatibility: 'backward', changedAtMs: 1_000 + latest },
  })

  test(`${name}: versions are kept, each for ever, and the latest holds`, async () => {
    const tenant = `t${++made}`
    expect(await store().add(tenant, entry(1), { type: 'string' })).toBe(true)
    expect(await store().add(tenant, entry(2), false)).toBe(true)
    expect(await store().find(tenant, 'shop.order.placed')).toEqual(entry(2))
    expect(await store().version(tenant, 'shop.order.placed', 1)).toEqual({ type: 'string' })
    expect(await store().version(tenant, 'shop.order.placed', 2)).toBe(false)
    expect(await store().version(tenant, 'shop.order.placed', 3)).toBeUndefined()
  })

  test(`${name}: of two who add one version, one is told that it is taken`, async () => {
    const tenant = `t${++made}`
    const added = await Promise.all([store().add(tenant, entry(1), true), store().add(tenant, entry(1), false)])
    expect(added.filter(Boolean)).toHaveLength(1)
  })

  test(`${name}: types are listed by name, changed, removed, and only their tenant’s`, async () => {
    const [tenant, other] = [`t${++made}`, `t${++made}`]
    await store().add(tenant, entry(1, 'b'), true)
    await store().add(tenant, entry(1, 'a'), true)
    await store().change(tenant, { ...entry(1, 'a'), compatibility: 'none' })
    expect((await store().types(tenant)).map(({ type, compatibility }) => [type, compatibility])).toEqual([
      ['a', 'none'],
      ['b', 'backward'],
    ])
    expect(await store().types(other)).toEqual([])
    expect([await store().remove(tenant, 'a'), await store().remove(tenant, 'a')]).toEqual([true, false])
    expect(await store().find(tenant, 'a')).toBeUndefined()
    expect(await store().version(tenant, 'a', 1)).toBeUndefined()
    expect(await store().add(tenant, entry(1, 'a'), true)).toBe(true)
  })
}
