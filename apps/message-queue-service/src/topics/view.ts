import type { Topic } from '@santaclaude/log/port'

/** A topic as its tenant sees it. */
export interface TopicView {
  topic: string
  /** Those that take events now. */
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
  generations,
  retention,
  idempotencyWindowMs,
  schema,
  createdAtMs,
}: Topic): TopicView => ({
  topic,
  partitions: generations.at(-1) ?? 1,
  retention,
  idempotencyWindowMs,
  schema,
  createdAt: new Date(createdAtMs).toISOString(),
})
