import type { EventLog } from '@santaclaude/log/port'
import { topicForReader } from '../platform.ts'
import { type TopicView, viewOf } from './view.ts'

/** One topic with how many events it holds. */
export async function getTopic(log: EventLog, address: { tenant: string; topic: string }): Promise<TopicView> {
  const topic = await topicForReader(log, address)
  const [events, delayed] = await Promise.all([log.size(address), log.delayed(address)])
  return { ...viewOf(topic), events, delayed }
}

/** A tenant's topics by name. */
export async function listTopics(
  log: EventLog,
  { tenant, limit, after = '' }: { tenant: string; limit: number; after?: string | undefined },
): Promise<{ topics: TopicView[]; next?: string }> {
  const later = (await log.topics(tenant)).filter(({ topic }) => topic > after)
  const topics = later.slice(0, limit).map(viewOf)
  const last = topics.at(-1)
  return later.length > limit && last ? { topics, next: last.topic } : { topics }
}
