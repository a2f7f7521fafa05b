import type { Topic } from '@santaclaude/log/port'

/** A topic as its tenant sees it. */
export interface TopicView {
  topic: string
  partitions: number
  retention: Topic['retention']
  idempotencyWindowMs: number
  createdAt: string
  events?: number
  delayed?: number
}

export const viewOf = ({ topic, partitions, retention, idempotencyWindowMs, createdAtMs }: Topic): TopicView => ({
  topic,
  partitions,
  retention,
  idempotencyWindowMs,
  createdAt: new Date(createdAtMs).toISOString(),
})
