import { auditTopic, auditTopicSettings } from '@santaclaude/audit/recorder'
import { backoffMs } from '@santaclaude/kit/backoff'
import { pause } from '@santaclaude/kit/deadline'
import type { EventLog } from '@santaclaude/log/port'
import type { Lease, Leases } from '../lease/port.ts'
import type { Ledger } from '../store/port.ts'
import { compareStreamIds, splitStreamId } from '../store/stream-id.ts'
import { Cutter } from './batches.ts'
import { readOn, standing } from './reader.ts'
import { type Stored, storeBatch } from './store-batch.ts'

/** The group whose checkpoints tell the log what it may let go. */
export const group = { ...auditTopic, group: 'audit-sink' }

export interface WriterPorts {
  log: EventLog
  ledger: Ledger & { prepare(): Promise<void> }
  leases: Leases
  watch: WriterWatch
}

/** Told what the writer does; for metrics and logs. */
export interface WriterWatch {
  stored(outcome: Stored & { seconds: number; entries: number }): void
  /** A round failed and will be tried again. */
  failed(error: unknown, partition?: number): void
  /** Entries were gone from the log before they were stored. Must never happen. */
  lost(gap: { partition: number; to: string }): void
  /** When the log took the oldest entry that was read and is not stored; undefined when there is none. */
  waiting(partition: number, sinceMs: number | undefined): void
  /** Whether this replica is the writer of the partition. */
  owns(partition: number, isOwner: boolean): void
}

const retry = { baseMs: 200, capMs: 3_000 }
/** How often a replica asks for a partition that another one writes. */
const askAgainMs = 1_000

/**
 * Moves the `audit` topic into the store: each partition by one replica at a time, each record once, for as long as it
 * runs. Nothing it meets ends it: it starts again from what the store holds. `close` stops it; what was not stored then
 * stays in the log.
 */
export function startWriter(ports: WriterPorts): { close(): Promise<void> } {
  const stop = new AbortController()
  const running = run(ports, stop.signal)
  return {
    close: async () => {
      stop.abort()
      await running
    },
  }
}

async function run(ports: WriterPorts, signal: AbortSignal) {
  const partitions = await untilDone(ports, signal, async () => {
    await ports.ledger.prepare()
    return prepareTopic(ports.log)
  })
  if (partitions === undefined) return
  await Promise.all(Array.from({ length: partitions }, (_, partition) => keepPartition(ports, { partition, signal })))
}

/** The topic and our group in it, made when they are not there: at first, and after Redis lost everything. */
async function prepareTopic(log: EventLog): Promise<number> {
  const { partitions } = await log.createTopic(auditTopic, auditTopicSettings)
  await log.putGroup(group, { start: { at: 'earliest' } })
  return partitions
}

/** Repeats the work until it succeeds; nothing when stopped before. */
async function untilDone<T>(
  { watch }: WriterPorts,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await work()
    } catch (error) {
      watch.failed(error)
      await pause(backoffMs(attempt, retry), signal)
    }
  }
  return undefined
}

async function keepPartition(ports: WriterPorts, { partition, signal }: { partition: number; signal: AbortSignal }) {
  const { leases, watch } = ports
  let failures = 0
  while (!signal.aborted) {
    let lease: Lease | undefined
    try {
      lease = await leases.acquire(String(partition))
      watch.owns(partition, lease !== undefined)
      if (lease) {
        await move(ports, { partition, lease, signal, progress: () => (failures = 0) })
      }
    } catch (error) {
      failures++
      watch.failed(error, partition)
    }
    await lease?.release()
    if (!signal.aborted) await pause(failures > 0 ? backoffMs(failures, retry) : askAgainMs, signal)
  }
}

/** Moves one partition until the lease is lost or the signal aborts; rejects at the first failure. */
async function move(
  ports: WriterPorts,
  { partition, lease, signal, progress }: { partition: number; lease: Lease; signal: AbortSignal; progress(): void },
) {
  const { log, ledger, watch } = ports
  const over = AbortSignal.any([signal, lease.lost])
  await prepareTopic(log)
  const at = await standing(log, ledger, partition)
  const cutter = new Cutter()
  while (!over.aborted) {
    // Taken before reading: all that the log took until then will have been read.
    const nowMs = lease.nowMs()
    const { entries, isEnd, lostTo } = await readOn(log, partition, at)
    if (lostTo !== undefined) watch.lost({ partition, to: lostTo })
    const batches = entries.flatMap((entry) => cutter.add(entry))
    if (isEnd) batches.push(...cutter.close(nowMs))
    for (const batch of batches) {
      if (over.aborted) return
      watch.waiting(partition, splitStreamId(batch.first).ms)
      const mayBeStored = compareStreamIds(batch.first, at.storedTo) <= 0
      await store(ports, { partition, epoch: at.epoch, batch, mayBeStored })
      progress()
    }
    watch.waiting(partition, cutter.oldestMs)
    if (!isEnd) continue
    if (cutter.slotEndMs === undefined) await log.changed(auditTopic, { waitMs: 1_000, signal: over })
    else await pause(Math.max(5, cutter.slotEndMs - lease.nowMs()), over)
  }
}

async function store({ log, ledger, watch }: WriterPorts, work: Parameters<typeof storeBatch>[1]) {
  const startedMs = performance.now()
  const { partition, batch } = work
  const stored = await storeBatch(ledger, work)
  watch.stored({ ...stored, entries: batch.entries.length, seconds: (performance.now() - startedMs) / 1000 })
  // Only now may the log let go of the entries.
  await log.checkpoint(group, { partition, streamId: batch.last, count: batch.entries.length })
}
