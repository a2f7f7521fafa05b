import type { LogEntry } from '@santaclaude/log/port'
import { splitStreamId } from '../store/stream-id.ts'

/**
 * How the entries of a partition are cut into batches, each one insert. The cut depends on the entries alone: a batch
 * ends with its slot of log time, or when it is full. Whoever cuts the same entries again, after a crash or beside a
 * writer that does not know it was replaced, gets the same batches and so the same tokens, and the store drops what it
 * has. That is why these numbers must not become settings.
 */
const slotMs = 500
export const batchEntriesMax = 10_000
export const batchCharsMax = 8 * 1024 * 1024

export interface Batch {
  entries: LogEntry[]
  /** Stream ids of the first and the last entry. */
  first: string
  last: string
}

/** Cuts entries that come in stream-id order. */
export class Cutter {
  private entries: LogEntry[] = []
  private chars = 0

  /** Log time of the oldest entry that is in no batch yet. */
  get oldestMs(): number | undefined {
    const first = this.entries[0]
    return first && splitStreamId(first.streamId).ms
  }

  /** When the slot of the entries in hand ends, by the log's time. */
  get slotEndMs(): number | undefined {
    return this.oldestMs === undefined ? undefined : slotEnd(this.oldestMs)
  }

  /** Takes the next entry and answers the batches that it completes. */
  add(entry: LogEntry): Batch[] {
    const done = this.close(splitStreamId(entry.streamId).ms)
    this.entries.push(entry)
    this.chars += entry.event.dataJson?.length ?? 0
    if (this.entries.length === batchEntriesMax || this.chars >= batchCharsMax) done.push(...this.take())
    return done
  }

  /** The batch in hand when its slot ended at or before `nowMs`: pass a time of the log before which all was read. */
  close(nowMs: number): Batch[] {
    return this.slotEndMs !== undefined && this.slotEndMs <= nowMs ? this.take() : []
  }

  private take(): Batch[] {
    const entries = this.entries
    const first = entries[0]
    const last = entries.at(-1)
    this.entries = []
    this.chars = 0
    return first && last ? [{ entries, first: first.streamId, last: last.streamId }] : []
  }
}

const slotEnd = (ms: number) => (Math.floor(ms / slotMs) + 1) * slotMs

/** The stream id just before the slot that holds this one: cutting must begin where a slot does. */
export function beforeSlot(streamId: string): string {
  const startMs = slotEnd(splitStreamId(streamId).ms) - slotMs
  return startMs === 0 ? '0-0' : `${startMs - 1}-18446744073709551615`
}
