import type { TopicChange } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { topicForReader } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { putTopic } from './put.ts'
import type { TopicView } from './view.ts'

/** Changes what the change names and keeps the rest; 404 when there is no such topic. */
export async function changeTopic(
  ports: QueuePorts,
  who: Who,
  { topic, change }: { topic: string; change: TopicChange },
): Promise<TopicView> {
  await topicForReader(ports.log, { tenant: who.tenant, topic })
  const { view } = await putTopic(ports, who, { topic, wish: change })
  return view
}
