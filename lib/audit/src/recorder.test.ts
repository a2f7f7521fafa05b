import { expect, test } from 'bun:test'
import { type Appended, LogError, type NewEvent } from '@santaclaude/log/port'
import { recorderConformance } from './conformance.ts'
import { type AuditEntry, auditRecord, readRecord } from './record.ts'
import { type AuditLog, AuditUnavailableError, appendRecords, auditTopicSettings, recorder } from './recorder.ts'
import { memoryRecorder } from './recorder-memory.ts'

/** A log that only keeps what is appended, as the real one would answer it. */
function keepingLog() {
  const kept = new Map<string, NewEvent>()
  const log: AuditLog & { failWith?: unknown } = {
    append: async (to, events, options): Promise<Appended[]> => {
      if (log.failWith) throw log.failWith
      expect(to).toEqual({ tenant: 'sc', topic: 'audit' })
      expect(options?.create).toEqual(auditTopicSettings)
      return events.map((event, at) => {
        const key = event.idempotency?.key ?? ''
        const earlier = kept.get(key)
        if (earlier && earlier.idempotency?.bodyHash !== event.idempotency?.bodyHash)
          return { ok: false, code: 'idempotency_conflict' }
        kept.set(key, event)
        const durability = { level: 'memory', replicas: 0 } as const
        return {
          ok: true,
          partition: 0,
          streamId: `1-${at}`,
          epoch: 'a',
          isDuplicate: earlier !== undefined,
          durability,
        }
      })
    },
  }
  return { log, kept: () => [...kept.values()] }
}

recorderConformance('the recorder on the log', async (options) => {
  const { log, kept } = keepingLog()
  let misses = 0
  return {
    recorder: recorder({ ...options, log, onMiss: () => misses++ }),
    recorded: async () => kept().map(({ dataJson }) => readRecord(dataJson ?? '')),
    away: (isAway) => {
      log.failWith = isAway ? new LogError('store_unavailable', 'connection refused') : undefined
    },
    misses: () => misses,
  }
})

recorderConformance('the recorder in memory', async (options) => {
  const memory = memoryRecorder(options)
  return {
    recorder: memory,
    recorded: async () => memory.records,
    away: (isAway) => {
      memory.isAway = isAway
    },
    misses: () => memory.misses,
  }
})

const entry: AuditEntry = {
  tenant: 'default',
  actor: { type: 'key', id: 'abc' },
  action: 'ai.call.completed',
  outcome: 'success',
  target: { type: 'ai.model', id: 'offline' },
}

test('an append that does not answer in time counts as failed', async () => {
  const log: AuditLog = { append: () => new Promise(() => {}) }
  await expect(recorder({ log, source: '/test', appendMs: 1 }).record(entry)).rejects.toBeInstanceOf(
    AuditUnavailableError,
  )
})

test('an append whose outcome is unknown is repeated under the same key, so the record is in the log once', async () => {
  const { log, kept } = keepingLog()
  let calls = 0
  const breaking: AuditLog = {
    append: async (...args) => {
      const answer = await log.append(...args)
      if (++calls === 1) throw new LogError('outcome_unknown', 'the connection broke')
      return answer
    },
  }
  await recorder({ log: breaking, source: '/test' }).record(entry)
  expect(calls).toBe(2)
  expect(kept()).toHaveLength(1)
})

test('the same record again is a duplicate, another one of its id is a conflict, and another tenant may use the id', async () => {
  const { log } = keepingLog()
  const record = auditRecord(entry, { source: '/test', nowMs: 0 })
  const again = await appendRecords(log, [
    { record },
    { record },
    { record: { ...record, outcome: 'failure' } },
    { record: { ...record, tenant: 'b' } },
  ])
  expect(again).toEqual(['appended', 'duplicate', 'conflict', 'appended'])
})

test('a record the sender states again is a duplicate, though we gave it another time', async () => {
  const { log } = keepingLog()
  const record = auditRecord(entry, { source: '/test', nowMs: 0 })
  const later = { ...record, occurredAt: '2026-11-23T00:00:00.000Z' }
  const stated = { id: record.id, action: 'a' }
  const outcomes = await appendRecords(log, [
    { record, stated },
    { record: later, stated: { action: 'a', id: record.id } },
    { record: later, stated: { ...stated, action: 'b' } },
  ])
  expect(outcomes).toEqual(['appended', 'duplicate', 'conflict'])
})
