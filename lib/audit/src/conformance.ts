import { describe, expect, test } from 'bun:test'
import type { Clock } from '@santaclaude/kit/clock'
import { ManualClock } from '@santaclaude/kit/clock'
import { type AuditEntry, type AuditRecord, AuditRecordError } from './record.ts'
import { type AuditPolicy, AuditUnavailableError, type Recorder } from './recorder.ts'

/** One recorder under test, and the view from behind it. */
export interface RecorderUnderTest {
  recorder: Recorder
  /** What the log holds, oldest first within a tenant. */
  recorded(): Promise<AuditRecord[]>
  /** Makes every append fail from now on, or work again. */
  away(isAway: boolean): void
  misses(): number
}

/** The promises of a {@link Recorder}; every implementation passes them. */
export function recorderConformance(
  name: string,
  open: (options: { source: string; policy: AuditPolicy; clock: Clock }) => Promise<RecorderUnderTest>,
) {
  const clock = new ManualClock()
  const entry: AuditEntry = {
    tenant: 'default',
    actor: { type: 'key', id: 'abc' },
    action: 'ai.call.completed',
    outcome: 'success',
    target: { type: 'ai.model', id: 'offline' },
  }
  const start = (policy: AuditPolicy = 'require') => open({ source: '/conformance', policy, clock })

  describe(`${name} keeps the promises of a recorder`, () => {
    test('a record that was acknowledged is in the log, filled in with id, time and source', async () => {
      const { recorder, recorded } = await start()
      await recorder.record(entry)
      expect(await recorded()).toEqual([
        {
          ...(entry as AuditRecord),
          id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
          occurredAt: new Date(clock.now()).toISOString(),
          source: '/conformance',
          data: {},
        },
      ])
    })

    test('records of one tenant keep the order they were made in', async () => {
      const { recorder, recorded } = await start()
      const steps = Array.from({ length: 20 }, (_, step) => step)
      await Promise.all(steps.map((step) => recorder.record({ ...entry, data: { step } })))
      expect((await recorded()).map(({ data }) => data.step)).toEqual(steps)
    })

    test('under require, an act whose record cannot be appended is refused, and the miss is counted', async () => {
      const { recorder, recorded, away, misses } = await start()
      away(true)
      await expect(recorder.record(entry)).rejects.toBeInstanceOf(AuditUnavailableError)
      expect(misses()).toBe(1)
      away(false)
      await recorder.record(entry)
      expect(await recorded()).toHaveLength(1)
    })

    test('under best-effort, the act may go on, and the miss is counted', async () => {
      const { recorder, away, misses } = await start('best-effort')
      away(true)
      await recorder.record(entry)
      expect(misses()).toBe(1)
    })

    test('an entry that is no record is a mistake of the caller under either policy', async () => {
      for (const policy of ['require', 'best-effort'] as const) {
        const { recorder, misses } = await start(policy)
        await expect(recorder.record({ ...entry, action: '' })).rejects.toBeInstanceOf(AuditRecordError)
        expect(misses()).toBe(0)
      }
    })
  })
}
