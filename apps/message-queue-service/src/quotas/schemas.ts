import { t } from '@santaclaude/service/schema'

const limit = (description: string, minimum = 0) =>
  t.Union([t.Integer({ minimum, maximum: 1_000_000_000_000 }), t.Null()], { description })

const limits = {
  eventsPerSecond: limit('Events published per second, over all replicas.'),
  requestsPerSecond: limit('Requests per second, over all replicas. At least 1, so that quotas can still be read.', 1),
  storedEvents: limit('Events that its topics hold together; looked at every 5 s.'),
  topics: limit('Topics of its own.'),
  groupsPerTopic: limit('Groups in any one topic.'),
  streams: limit('Streams open at once on each replica.'),
}

export const tenantParams = t.Object({
  tenant: t.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', examples: ['acme'] }),
})

export const QuotaLimits = t.Object(limits, { description: 'What a tenant may use; null = no limit.' })

const used = t.Integer({ minimum: 0 })
export const Quotas = t.Object({
  tenant: t.String(),
  limits: t.Ref('QuotaLimits'),
  use: t.Object(
    {
      eventsPerSecond: used,
      requestsPerSecond: used,
      storedEvents: used,
      topics: used,
      groupsPerTopic: t.Integer({ description: 'Of the topic with the most, among the first 100.' }),
      streams: t.Integer({ description: 'On the replica that answers.' }),
    },
    { description: 'What is used now. Of a rate: what was taken and has not come back yet.' },
  ),
})

export const QuotaWish = t.Object(
  {
    eventsPerSecond: t.Optional(limits.eventsPerSecond),
    requestsPerSecond: t.Optional(limits.requestsPerSecond),
    storedEvents: t.Optional(limits.storedEvents),
    topics: t.Optional(limits.topics),
    groupsPerTopic: t.Optional(limits.groupsPerTopic),
    streams: t.Optional(limits.streams),
  },
  {
    description: 'What shall differ from the service’s defaults; what is left out goes back to them.',
    examples: [{ eventsPerSecond: 5_000, storedEvents: 1_000_000 }],
  },
)
