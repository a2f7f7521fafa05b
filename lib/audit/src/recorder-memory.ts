import { type Clock, systemClock } from '@santaclaude/kit/clock'
import { type AuditRecord, auditRecord, recordText } from './record.ts'
import { type AuditPolicy, AuditUnavailableError, type Recorder } from './recorder.ts'

/** A recorder that keeps its records in memory: for tests of services whose subject is not the log. */
export interface MemoryRecorder extends Recorder {
  /** What was recorded, oldest first. */
  readonly records: AuditRecord[]
  /** How many records could not be kept. */
  readonly misses: number
  /** While true every append fails, as when Redis is away. */
  isAway: boolean
}

export function memoryRecorder({
  source = '/test',
  policy = 'require',
  clock = systemClock,
}: {
  source?: string
  policy?: AuditPolicy
  clock?: Clock
} = {}): MemoryRecorder {
  const memory = {
    records: [] as AuditRecord[],
    misses: 0,
    isAway: false,
    record: async (entry: Parameters<Recorder['record']>[0]) => {
      // Read back from its text, so that a test sees the record as the store will.
      const record: AuditRecord = JSON.parse(recordText(auditRecord(entry, { source, nowMs: clock.now() })))
      if (!memory.isAway) {
        memory.records.push(record)
        return
      }
      memory.misses++
      if (policy === 'require') throw new AuditUnavailableError(new Error('the memory recorder is away'))
    },
  }
  return memory
}
