import { compileFilter } from '@santaclaude/log/filter'
import { FilterError } from '@santaclaude/log/filter-error'
import type { Filter, Group, GroupSettings } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { startOf } from '../events/start.ts'
import { topicForReader } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'

/** A group as its tenant sees it. */
export interface GroupView extends Omit<GroupSettings, 'isPaused'> {
  group: string
  topic: string
  paused: boolean
  createdAt: string
}

export function viewOf({ tenant: _, createdAtMs, isPaused, ...group }: Group): GroupView {
  const { topic, leaseMs, deliveriesMax, backoffMs, inFlightMax, ordering, filter } = group
  return {
    ...{ group: group.group, topic, leaseMs, deliveriesMax, backoffMs, inFlightMax, ordering, filter },
    paused: isPaused,
    createdAt: new Date(createdAtMs).toISOString(),
  }
}

/** What a request may say of a group. */
export type GroupWish = Partial<Omit<GroupSettings, 'isPaused'>> & { start?: string; since?: string }

/** Makes the group at its start, or gives the one that is there the settings that are named. */
export async function putGroup(
  ports: QueuePorts,
  who: Who,
  { topic, group, wish }: { topic: string; group: string; wish: GroupWish },
): Promise<{ isNew: boolean; view: GroupView }> {
  const { tenant } = who
  await topicForReader(ports.log, { tenant, topic })
  const address = { tenant, topic, group }
  const { start, since, ...settings } = wish
  if (settings.filter) checkFilter(settings.filter)
  const before = await ports.log.group(address)
  if (before && settings.ordering !== undefined && settings.ordering !== before.ordering)
    throw new Fault('conflict', { detail: `The group orders by '${before.ordering}', and that cannot be changed.` })
  if (!before) await ports.quotas.group(address)
  const act = {
    action: before ? 'mq.group.changed' : 'mq.group.created',
    target: { type: 'group', id: `${topic}/${group}` },
    data: { ...wish },
  }
  const from = startOf({ from: start, since, otherwise: 'earliest' })
  const work = () => ports.log.putGroup(address, { ...settings, start: from })
  const { isNew, ...made } = await recorded(ports, who, { act, work })
  const type = isNew ? 'mq.group.created' : 'mq.group.changed'
  await tell(ports, who, { type, subject: topic, data: { topic, group } })
  return { isNew, view: viewOf(made) }
}

/** Refuses a filter that cannot be read, in words that say where. */
export function checkFilter(filter: Filter): void {
  try {
    compileFilter(filter)
  } catch (cause) {
    if (!(cause instanceof FilterError)) throw cause
    const { part, position, message } = cause
    const path = part === 'where' ? '/body/filter/where' : `/body/filter/types/${position}`
    throw new Fault('invalid_filter', { detail: message, errors: [{ path, message }], cause })
  }
}
