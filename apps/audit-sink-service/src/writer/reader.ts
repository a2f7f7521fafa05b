import { auditTopic } from '@santaclaude/audit/recorder'
import type { EventLog, LogEntry } from '@santaclaude/log/port'
import type { Ledger } from '../store/port.ts'
import { compareStreamIds, splitStreamId } from '../store/stream-id.ts'
import { beforeSlot } from './batches.ts'

/** What is read from the log at a time. A record has at most 256 KiB, so this bounds the memory of a page. */
const pageEntries = 500

/** Where reading stands, and where it must go on when the store is asked. */
export interface Standing {
  epoch: string
  /** Reading goes on after this stream id, `0-0` for the beginning. */
  last: string
  /** The last entry that is known to have been stored or read: what the log removes beyond it is lost. */
  covered: string
  /** Up to here the store may hold entries already: they are looked up before they are inserted. */
  storedTo: string
}

/** The log is not what it was: reading has to begin again from what the store holds. */
class LogChangedError extends Error {
  constructor(readonly reason: 'epoch' | 'lost') {
    super(reason === 'epoch' ? 'the partition began a new life' : 'the log lost entries that were read from it')
    this.name = 'LogChangedError'
  }
}

/**
 * Where to go on, from what the store really holds. Usually the start of the slot of the last stored entry. From the
 * beginning of what the log retains when the partition has a life the store knows nothing of, or when the log lost the
 * entry the store has last: after that, Redis may give out ids that are not beyond the stored ones.
 */
export async function standing(log: EventLog, ledger: Ledger, partition: number): Promise<Standing> {
  const places = await ledger.places(partition)
  const storedTo = places.map(({ streamId }) => streamId).reduce((a, b) => (compareStreamIds(a, b) < 0 ? b : a), '0-0')
  const { epoch } = await log.readPartition(auditTopic, { partition, after: '0-0', limit: 1 })
  const place = places.find((one) => one.epoch === epoch)?.streamId
  if (place === undefined || !(await has(log, partition, place)))
    return { epoch, last: '0-0', covered: '0-0', storedTo }
  return { epoch, last: beforeSlot(place), covered: place, storedTo }
}

/** Whether the log still holds the entry, or once did and removed it by retention. */
async function has(log: EventLog, partition: number, streamId: string): Promise<boolean> {
  const { entries, trimmedTo } = await log.readPartition(auditTopic, { partition, after: before(streamId), limit: 1 })
  return entries[0]?.streamId === streamId || compareStreamIds(trimmedTo, streamId) >= 0
}

export interface Page {
  entries: LogEntry[]
  /** The log held nothing more when it was read. */
  isEnd: boolean
  /** Entries up to here were removed from the log before anybody read them. */
  lostTo?: string
}

/**
 * The entries after where reading stands, and moves it on. Reads the last entry again with them: when it is gone though
 * retention did not take it, Redis has lost its newest entries. Rejects with {@link LogChangedError} for that and for a
 * new epoch.
 */
export async function readOn(log: EventLog, partition: number, at: Standing): Promise<Page> {
  const isAtEntry = at.last !== '0-0' && !at.last.endsWith(lastSequence)
  const after = isAtEntry ? before(at.last) : at.last
  const page = await log.readPartition(auditTopic, { partition, after, limit: pageEntries })
  // A partition nobody has appended to has no epoch yet.
  if (at.epoch === '') at.epoch = page.epoch
  if (page.epoch !== at.epoch) throw new LogChangedError('epoch')
  const isThere = isAtEntry && page.entries[0]?.streamId === at.last
  const isRemoved = compareStreamIds(page.trimmedTo, at.last) >= 0
  if (isAtEntry && !isThere && !isRemoved) throw new LogChangedError('lost')
  const entries = isThere ? page.entries.slice(1) : page.entries
  const isGap = at.covered !== '0-0' && compareStreamIds(page.trimmedTo, at.covered) > 0
  at.last = entries.at(-1)?.streamId ?? at.last
  if (isGap || compareStreamIds(at.last, at.covered) > 0) at.covered = isGap ? page.trimmedTo : at.last
  return { entries, isEnd: page.entries.length < pageEntries, ...(isGap ? { lostTo: page.trimmedTo } : {}) }
}

const lastSequence = '-18446744073709551615'

function before(streamId: string): string {
  const { ms, seq } = splitStreamId(streamId)
  if (seq > 0) return `${ms}-${seq - 1}`
  return ms === 0 ? '0-0' : `${ms - 1}${lastSequence}`
}
