import { expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import type { QuotaStore } from './port.ts'

let made = 0
const tenant = () => `t${++made}`

/** What every store of quotas promises. */
export function quotaConformance(name: string, store: () => QuotaStore) {
  const take = (who: string, perSecond: number | null, debt = 0) =>
    store().take(who, 'eventsPerSecond', { perSecond, debt })

  test(`${name}: what differs for a tenant is kept, replaced as a whole, and nobody else’s`, async () => {
    const [a, b] = [tenant(), tenant()]
    await store().override(a, { topics: 5, streams: null })
    await store().override(a, { topics: 6, eventsPerSecond: null })
    expect(await store().overrides(a)).toEqual({ topics: 6, eventsPerSecond: null })
    expect(await store().overrides(b)).toEqual({})
    await store().override(a, {})
    expect(await store().overrides(a)).toEqual({})
  })

  test(`${name}: a second’s worth is given out in tenths, and then there is a wait`, async () => {
    const who = tenant()
    let granted = 0
    for (let n = 0; n < 10; n++) granted += (await take(who, 100)).granted ?? 0
    expect(granted).toBe(100)
    const none = await take(who, 100, 200)
    expect(none).toMatchObject({ granted: 0, perSecond: 100 })
    expect(none.waitMs).toBeGreaterThan(1_000)
    expect(none.left).toBeLessThan(0)
  })

  test(`${name}: what was taken comes back with time`, async () => {
    const who = tenant()
    for (let n = 0; n < 10; n++) await take(who, 1_000)
    while ((await take(who, 1_000)).granted === 0) await pause(1)
  })

  test(`${name}: a tenant’s own rate goes before the default, and null has no limit`, async () => {
    const who = tenant()
    await store().override(who, { eventsPerSecond: 20 })
    expect(await take(who, null)).toMatchObject({ granted: 2, perSecond: 20 })
    await store().override(who, { eventsPerSecond: null })
    expect(await take(who, 5)).toMatchObject({ granted: null, perSecond: null })
    await store().override(who, { eventsPerSecond: 0 })
    expect(await take(who, 5)).toMatchObject({ granted: 0, waitMs: 60_000 })
  })

  test(`${name}: a look takes nothing`, async () => {
    const who = tenant()
    await take(who, 100)
    for (let n = 0; n < 3; n++) await store().take(who, 'eventsPerSecond', { perSecond: 100, debt: 0, isLook: true })
    expect((await take(who, 100)).left).toBeGreaterThanOrEqual(80)
  })
}
