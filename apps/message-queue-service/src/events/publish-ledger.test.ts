import { expect, test } from 'bun:test'
import type { Recorder } from '@santaclaude/audit/recorder'
import type { Who } from '@santaclaude/service/exchange'
import { PublishLedger } from './publish-ledger.ts'

const who = (keyId: string, requestId: string): Who => ({
  tenant: 'acme',
  actor: { type: 'key', id: keyId, name: 'a key' },
  requestId,
  traceId: 'a'.repeat(32),
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
})

/** A recorder whose writes end when the test says so. */
function slowRecorder() {
  const entries: Parameters<Recorder['record']>[0][] = []
  const open: { resolve(): void; reject(error: unknown): void }[] = []
  const record: Recorder['record'] = (entry) => {
    entries.push(entry)
    return new Promise((resolve, reject) => open.push({ resolve, reject }))
  }
  return { audit: { record }, entries, open }
}

test('a lone publish is on the record at once, by itself', async () => {
  const { audit, entries, open } = slowRecorder()
  const noted = new PublishLedger(audit).note({ who: who('k', 'r1'), topic: 't', ids: ['e1'] })
  expect(entries).toHaveLength(1)
  open[0]?.resolve()
  expect(await noted).toBe(entries[0]?.id as string)
  expect(entries[0]?.data).toEqual({ count: 1, ids: ['e1'] })
})

test('publishes that come while a record is written share the next one, which names every request and event', async () => {
  const { audit, entries, open } = slowRecorder()
  const ledger = new PublishLedger(audit)
  const noted = ['r1', 'r2', 'r3'].map((request) =>
    ledger.note({ who: who('k', request), topic: 't', ids: [`e-${request}`] }),
  )
  open[0]?.resolve()
  await noted[0]
  await Promise.resolve()
  open[1]?.resolve()
  expect(await noted[1]).toBe((await noted[2]) as string)
  expect(entries.map(({ data }) => data)).toEqual([
    { count: 1, ids: ['e-r1'] },
    { count: 2, ids: ['e-r2', 'e-r3'], requests: 2, requestIds: ['r2', 'r3'] },
  ])
})

test('different keys and topics never share a record', async () => {
  const { audit, entries, open } = slowRecorder()
  const ledger = new PublishLedger(audit)
  const noted = [
    ledger.note({ who: who('k', 'r1'), topic: 't', ids: ['1'] }),
    ledger.note({ who: who('l', 'r2'), topic: 't', ids: ['2'] }),
    ledger.note({ who: who('k', 'r3'), topic: 'u', ids: ['3'] }),
  ]
  expect(entries).toHaveLength(3)
  for (const one of open) one.resolve()
  await Promise.all(noted)
})

test('when the record cannot be written every request that shares it is refused, and the next ones try again', async () => {
  const { audit, entries, open } = slowRecorder()
  const ledger = new PublishLedger(audit)
  const noted = ['r1', 'r2', 'r3'].map((request) => ledger.note({ who: who('k', request), topic: 't', ids: [] }))
  open[0]?.resolve()
  await noted[0]
  await Promise.resolve()
  open[1]?.reject(new Error('no log'))
  expect((await Promise.allSettled(noted)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  const again = ledger.note({ who: who('k', 'r4'), topic: 't', ids: [] })
  open[2]?.resolve()
  await again
  expect(entries).toHaveLength(3)
})
