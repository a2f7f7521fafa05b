import type { Group, GroupSettings } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { startOf } from '../events/start.ts'
import { topicForReader } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'

/** A group as its tenant sees it. */
export interface GroupView extends GroupSettings {
  group: string
  topic: string
  createdAt: string
}

export const viewOf = ({ group, topic, leaseMs, deliveriesMax, backoffMs, createdAtMs }: Group): GroupView => ({
  group,
  topic,
  leaseMs,
  deliveriesMax,
  backoffMs,
  createdAt: new Date(createdAtMs).toISOString(),
})

/** Makes the group at its start, or gives the one that is there the settings that are named. */
export async function putGroup(
  ports: QueuePorts,
  who: Who,
  { topic, group, wish }: { topic: string; group: string; wish: Partial<GroupSettings> & { start?: string } },
): Promise<{ isNew: boolean; view: GroupView }> {
  const { tenant } = who
  await topicForReader(ports.log, { tenant, topic })
  const address = { tenant, topic, group }
  const { start, ...settings } = wish
  const act = {
    action: (await ports.log.group(address)) ? 'mq.group.changed' : 'mq.group.created',
    target: { type: 'group', id: `${topic}/${group}` },
    data: { ...wish },
  }
  const from = startOf({ from: start, otherwise: 'earliest' })
  const work = () => ports.log.putGroup(address, { ...settings, start: from })
  const { isNew, ...made } = await recorded(ports, who, { act, work })
  const type = isNew ? 'mq.group.created' : 'mq.group.changed'
  await tell(ports, who, { type, subject: topic, data: { topic, group } })
  return { isNew, view: viewOf(made) }
}
