import { structuredEvent } from '@santaclaude/log/event'
import { compileFilter } from '@santaclaude/log/filter'
import type { EntryPlace, Footprint } from '@santaclaude/log/insight'
import type { EventLog, Group, LogEntry, TopicAddress } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { placeOf } from '../dead-letters/letters.ts'
import { topicForReader } from '../platform.ts'

interface What {
  id: string
  /** `<partition>.<stream id>`, for an event whose id says no time. */
  at?: string | undefined
}

/** One stored event as JSON text. Faults: topic_not_found, event_not_found, bad_cursor. */
export async function getEvent(log: EventLog, address: TopicAddress, what: What): Promise<string> {
  const { partition, streamId, event } = await find(log, address, what)
  return `{"partition":${partition},"streamId":"${streamId}","event":${structuredEvent(event)}}`
}

/** What became of one event in every group of its topic. */
export async function traceEvent(log: EventLog, address: TopicAddress, what: What) {
  const entry = await find(log, address, what)
  const { partition, streamId } = entry
  const [prints, groups] = await Promise.all([log.footprints(address, { partition, streamId }), log.groups(address)])
  const publishedMs = Number(streamId.split('-')[0])
  return {
    id: entry.event.id,
    type: entry.event.type,
    ...{ partition, streamId, publishedAt: new Date(publishedMs).toISOString() },
    groups: prints.map((print) => viewOf(print, { entry, publishedMs, group: groups.find(isOf(print)) })),
  }
}

const isOf = (print: Footprint) => (group: Group) => group.group === print.group

function viewOf(
  { group: name, state, deliveries, forMs, reason, attempts }: Footprint,
  { entry, publishedMs, group }: { entry: LogEntry; publishedMs: number; group: Group | undefined },
) {
  const isFiltered = state === 'settled' && group?.filter && !compileFilter(group.filter)(entry.event)
  return {
    group: name,
    state: isFiltered ? ('filtered' as const) : state,
    ...(deliveries === undefined ? {} : { deliveries }),
    ...(forMs === undefined ? {} : { forMs }),
    ...(reason === undefined ? {} : { reason }),
    attempts: attempts.map(({ atMs, deliveries, outcome, reason }) => ({
      at: new Date(atMs).toISOString(),
      ...{ deliveries, outcome, latencyMs: Math.max(0, atMs - publishedMs) },
      ...(reason === '' ? {} : { reason }),
    })),
  }
}

async function find(log: EventLog, address: TopicAddress, { id, at }: What): Promise<LogEntry> {
  await topicForReader(log, address)
  const place: { at?: EntryPlace } = at === undefined ? {} : { at: placeOf(at) }
  const entry = await log.find(address, { id, ...place })
  if (!entry) throw new Fault('event_not_found')
  return entry
}
