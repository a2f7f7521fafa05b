import type { Topic } from '@santaclaude/log/port'

/** A topic as its tenant sees it. */
export interface TopicView {
  topic: string
  partitions: number
  retention: Topic['retention']
  idempotencyWindowMs: number
  schema: Topic['schema']
  createdAt: string
  events?: number
  delayed?: number
}

export const viewOf = ({
  topic,
  partitions,
  retention,
  idempotencyWindowMs,
  schema,
  createdAtMs,
}: Topic): TopicView => ({
  topic,
  partitions,
  retention,
  idempotencyWindowMs,
  schema,
  createdAt: new Date(createdAtMs).toISOString(),
})
