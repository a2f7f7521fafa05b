import type { EventLog, Topic } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'

/** The topics that only the platform writes. They exist in every tenant. */
export const platformTopics = ['ai', 'audit', 'browser', 'mq', 'projectflow'] as const

export const isPlatformTopic = (topic: string) => (platformTopics as readonly string[]).includes(topic)

/**
 * The topic, or 404. The topics the platform writes are made by their first event, but a reader may come before it: for
 * a reader they are always there.
 */
export async function topicForReader(log: EventLog, address: { tenant: string; topic: string }): Promise<Topic> {
  const found = await log.topic(address)
  if (found) return found
  if (isPlatformTopic(address.topic)) return log.createTopic(address)
  throw new Fault('topic_not_found')
}
