import type { Clock } from '@santaclaude/kit/clock'
import type { EventLog, GroupLag } from '@santaclaude/log/port'

/** One consumer group of a topic and how far behind it is. */
export interface GroupDepth {
  name: string
  /** Events no member has been given yet. */
  ready: number
  /** Events given out and not settled, their lease running or waiting for redelivery. */
  unsettled: number
  dead: number
  oldestUnsettledMs: number
}

/** One topic and how much lies in it. */
export interface QueueDepth {
  tenant: string
  topic: string
  partitions: number
  /** Events kept now. */
  events: number
  groups: GroupDepth[]
}

export type QueueSource = Pick<EventLog, 'topics' | 'size' | 'groups' | 'lag'>

const topicsMax = 100
const groupsMax = 20

/** Topics and groups of these tenants, by name; at most 100 topics and 20 groups of each. */
export async function measureQueues(log: QueueSource, tenants: readonly string[]): Promise<QueueDepth[]> {
  const topics = (await Promise.all(tenants.map((tenant) => log.topics(tenant)))).flat().slice(0, topicsMax)
  return Promise.all(
    topics.map(async ({ tenant, topic, partitions }) => {
      const address = { tenant, topic }
      const [events, groups] = await Promise.all([log.size(address), log.groups(address)])
      return {
        tenant,
        topic,
        partitions,
        events,
        groups: await Promise.all(
          groups.slice(0, groupsMax).map(async ({ group }) => groupDepth(group, await log.lag({ ...address, group }))),
        ),
      }
    }),
  )
}

const groupDepth = (name: string, { ready, leased, parked, dead, oldestUnsettledMs }: GroupLag): GroupDepth => ({
  name,
  ready,
  unsettled: leased + parked,
  dead,
  oldestUnsettledMs,
})

const rememberedMax = 100

/** Measurements shared by everyone who watches the same tenants, so that ten open pages cost Redis what one does. */
export class QueueGauge {
  private readonly remembered = new Map<string, { untilMs: number; queues: Promise<QueueDepth[]> }>()

  constructor(
    private readonly log: QueueSource,
    private readonly clock: Clock,
    private readonly freshMs: number,
  ) {}

  measure(tenants: readonly string[]): Promise<QueueDepth[]> {
    const key = tenants.join(' ')
    const nowMs = this.clock.now()
    const known = this.remembered.get(key)
    if (known && known.untilMs > nowMs) return known.queues
    if (this.remembered.size >= rememberedMax) this.remembered.clear()
    const queues = measureQueues(this.log, tenants)
    this.remembered.set(key, { untilMs: nowMs + this.freshMs, queues })
    queues.catch(() => this.remembered.delete(key))
    return queues
  }
}
