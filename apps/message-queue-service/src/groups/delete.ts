import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'

/** Deletes a group with what it had not settled and its dead letters. The topic's events stay. */
export async function deleteGroup(ports: QueuePorts, who: Who, at: { topic: string; group: string }): Promise<void> {
  const { topic, group } = at
  const address = { tenant: who.tenant, topic, group }
  if (!(await ports.log.group(address))) throw new Fault('group_not_found')
  const act = { action: 'mq.group.deleted', target: { type: 'group', id: `${topic}/${group}` } }
  await recorded(ports, who, { act, work: () => ports.log.deleteGroup(address) })
  await tell(ports, who, { type: 'mq.group.deleted', subject: topic, data: { topic, group } })
}
