import type { EventLog, GroupAddress, GroupLag } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { placeOf, placeText } from '../dead-letters/letters.ts'
import { topicForReader } from '../platform.ts'

/** What a group was handed and has not settled. Faults: topic_not_found, group_not_found, bad_cursor. */
export async function listPending(
  log: EventLog,
  address: GroupAddress,
  { limit, after }: { limit: number; after?: string | undefined },
) {
  await topicForReader(log, address)
  if (!(await log.group(address))) throw new Fault('group_not_found')
  const page = await log.pending(address, { limit, ...(after === undefined ? {} : { after: placeOf(after) }) })
  return page.next ? { pending: page.entries, next: placeText(page.next) } : { pending: page.entries }
}

/** How far behind a group is, in events and in seconds. */
export type Lagging = GroupLag & { events: number; seconds: number }

export async function lagOf(log: Pick<EventLog, 'lag'>, address: GroupAddress): Promise<Lagging> {
  const lag = await log.lag(address)
  const { ready, leased, parked, oldestUnsettledMs } = lag
  return { ...lag, events: ready + leased + parked, seconds: oldestUnsettledMs / 1_000 }
}
