/** What other apps may know of this service: types only. */
export type { App } from './app.ts'

/** The events this service emits on the topic `mq`, by type, with their data. */
export interface QueueEvents {
  /** Limits that differ from the defaults; null = no limit. */
  'mq.quota.changed': { limits: Record<string, number | null> }
  'mq.schema.registered': { type: string; version: number; compatibility: string }
  'mq.schema.deleted': { type: string }
  /** An event that did not fit the schema of its type; told at most once a minute for each type and topic. */
  'mq.schema.violated': {
    topic: string
    type: string
    version: number
    path: string
    message: string
    refused: boolean
  }
  'mq.topic.created': { topic: string; partitions: number }
  'mq.topic.changed': { topic: string }
  'mq.topic.deleted': { topic: string }
  'mq.group.created': { topic: string; group: string }
  'mq.group.changed': { topic: string; group: string }
  'mq.group.deleted': { topic: string; group: string }
  'mq.group.paused': { topic: string; group: string }
  'mq.group.resumed': { topic: string; group: string }
  'mq.group.moved': { topic: string; group: string }
  /** Entries that moved to the dead letters of a group in one act or one round of upkeep. */
  'mq.delivery.died': { topic: string; group: string; count: number }
  'mq.schedule.created': { schedule: string; topic: string }
  'mq.schedule.changed': { schedule: string; topic: string }
  'mq.schedule.deleted': { schedule: string; topic: string }
  /** A redrive is over: `count` dead letters were moved. */
  'mq.dead-letter.redriven': { topic: string; group: string; count: number; redrive: string; state: string }
  /** Entries that were gone before their group had settled them. */
  'mq.data.lost': { topic: string; group: string; count: number }
  'mq.subscription.created': { subscription: string; topic: string; group: string }
  'mq.subscription.changed': { subscription: string; topic: string }
  'mq.subscription.deleted': { subscription: string; topic: string }
  'mq.subscription.secret_rotated': { subscription: string; topic: string }
  'mq.subscription.enabled': { subscription: string; topic: string }
  /** `reason`: requested, gone (the endpoint answered 410), failing (for too long), topic_deleted. */
  'mq.subscription.disabled': { subscription: string; topic: string; reason: string; failingSince?: string }
  /** Disabled for so long that its group let go of its events: from `since` on they may be gone when it is enabled. */
  'mq.subscription.released': { subscription: string; topic: string; unsettled: number; since: string }
  'mq.subscription.recovery_started': { subscription: string; topic: string; since: string; until: string }
  'mq.subscription.recovery_finished': { subscription: string; topic: string; failed: number }
}
