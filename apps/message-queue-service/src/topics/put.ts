import type { TopicChange } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import { type TopicView, viewOf } from './view.ts'

/** Makes the topic, or gives the one that is there the settings that are named. It may get more partitions, never fewer. */
export async function putTopic(
  ports: QueuePorts,
  who: Who,
  { topic, wish }: { topic: string; wish: TopicChange },
): Promise<{ isNew: boolean; view: TopicView }> {
  const address = { tenant: who.tenant, topic }
  const before = await ports.log.topic(address)
  const width = before && viewOf(before).partitions
  if (width !== undefined && wish.partitions !== undefined && wish.partitions < width)
    throw new Fault('conflict', {
      detail: `The topic has ${width} partitions, and there can only be more, never fewer.`,
    })
  const isNew = !before
  if (isNew) await ports.quotas.topic(who.tenant)
  const act = {
    action: isNew ? 'mq.topic.created' : 'mq.topic.changed',
    target: { type: 'topic', id: topic },
    data: { ...wish },
  }
  const view = await recorded(ports, who, {
    act,
    work: async () => {
      const made = isNew ? await ports.log.createTopic(address, wish) : await ports.log.changeTopic(address, wish)
      if (!made) throw new Fault('topic_not_found')
      return viewOf(made)
    },
  })
  if (isNew)
    await tell(ports, who, { type: 'mq.topic.created', subject: topic, data: { topic, partitions: view.partitions } })
  else await tell(ports, who, { type: 'mq.topic.changed', subject: topic, data: { topic } })
  return { isNew, view }
}
