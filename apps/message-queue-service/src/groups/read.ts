import type { EventLog, GroupAddress } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { topicForReader } from '../platform.ts'
import { type GroupView, viewOf } from './put.ts'

export async function getGroup(log: EventLog, address: GroupAddress): Promise<GroupView> {
  const group = await log.group(address)
  if (!group) throw new Fault('group_not_found')
  return viewOf(group)
}

/** A topic's groups by name. */
export async function listGroups(
  log: EventLog,
  address: { tenant: string; topic: string },
): Promise<{ groups: GroupView[] }> {
  await topicForReader(log, address)
  return { groups: (await log.groups(address)).map(viewOf) }
}
