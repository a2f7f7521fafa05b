import type { SseEvent } from '@santaclaude/kit/sse'
import type { GroupAddress } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { lagOf } from '../explain/pending.ts'
import { textOf } from '../groups/pull.ts'
import type { QueuePorts } from '../ports.ts'
import { Feed, type FeedOptions } from './feed.ts'

/** How often a reader is told how far behind its group is. */
const LAG_MS = 15_000

/**
 * A group's deliveries as server-sent events. Each frame holds a delivery with its receipt, to be settled over HTTP by
 * whatever process; as many may be unsettled as the credit says. When the reader goes, what it had goes back at once.
 */
export async function lease(
  { log, meters, quotas }: Pick<QueuePorts, 'log' | 'meters' | 'quotas'>,
  address: GroupAddress,
  options: FeedOptions,
): Promise<(signal: AbortSignal) => AsyncGenerator<SseEvent>> {
  if (!(await log.group(address))) throw new Fault('group_not_found')
  const close = await quotas.stream(address.tenant)
  const { group } = address
  return async function* (signal) {
    meters.streams.inc()
    const feed = new Feed(log, address, options)
    let lagAtMs = performance.now() + LAG_MS
    try {
      yield { event: 'mq.ready', data: { group, credit: options.credit } }
      for await (const deliveries of feed.deliveries(signal))
        for (const delivery of deliveries) {
          feed.seen(delivery.receipt)
          meters.delivered.inc({ transport: 'stream' })
          yield { event: delivery.entry.event.type, data: textOf(delivery) }
          if (performance.now() < lagAtMs) continue
          lagAtMs = performance.now() + LAG_MS
          yield { event: 'mq.lag', data: await lagOf(log, address) }
        }
    } finally {
      meters.streams.dec()
      close()
    }
  }
}
