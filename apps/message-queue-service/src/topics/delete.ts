import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { isPlatformTopic } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'

/** Deletes a topic with its events, groups and dead letters. The platform's own topics stay. */
export async function deleteTopic(ports: QueuePorts, who: Who, topic: string): Promise<void> {
  const address = { tenant: who.tenant, topic }
  if (isPlatformTopic(topic)) throw new Fault('conflict', { detail: 'This topic belongs to the platform.' })
  const found = await ports.log.topic(address)
  if (!found) throw new Fault('topic_not_found')
  const act = { action: 'mq.topic.deleted', target: { type: 'topic', id: topic } }
  await recorded(ports, who, { act, work: () => ports.log.deleteTopic(address) })
  await tell(ports, who, { type: 'mq.topic.deleted', subject: topic, data: { topic } })
}
