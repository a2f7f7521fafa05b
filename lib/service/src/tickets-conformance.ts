import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { base62Random } from '@santaclaude/kit/ids'
import type { Tickets } from './tickets.ts'

/** What every keeper of tickets promises; each adapter runs this. */
export function ticketsConformance(name: string, open: () => Promise<{ tickets: Tickets; close(): Promise<void> }>) {
  describe(`tickets: ${name}`, () => {
    let tickets: Tickets
    let close: () => Promise<void>
    beforeAll(async () => {
      ;({ tickets, close } = await open())
    })
    afterAll(() => close())

    test('what was kept is taken once', async () => {
      const name = base62Random(8)
      await tickets.keep(name, 'text', 60_000)
      const taken = await Promise.all([tickets.take(name), tickets.take(name), tickets.take(name)])
      expect(taken.filter((text) => text === 'text')).toHaveLength(1)
      expect(await tickets.take(name)).toBeUndefined()
    })

    test('what has waited too long, or never was, is not there', async () => {
      const name = base62Random(8)
      do {
        await tickets.keep(name, 'text', 1)
        await pause(5)
      } while ((await tickets.take(name)) !== undefined)
      expect(await tickets.take(base62Random(8))).toBeUndefined()
    })
  })
}
