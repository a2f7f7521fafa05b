import { structuredEvent } from '@santaclaude/log/event'
import type { Delivery, GroupAddress, PullOptions } from '@santaclaude/log/port'
import type { QueuePorts } from '../ports.ts'

/** Leases up to `max` events of a group, waiting up to `waitMs` for the first. Answers JSON text. */
export async function pull(
  { log, meters }: Pick<QueuePorts, 'log' | 'meters'>,
  address: GroupAddress,
  wanted: PullOptions,
): Promise<string> {
  meters.pulls.inc()
  try {
    const deliveries = await log.pull(address, wanted)
    meters.delivered.inc({ transport: 'pull' }, deliveries.length)
    return `{"deliveries":[${deliveries.map(textOf).join(',')}]}`
  } finally {
    meters.pulls.dec()
  }
}

/** A delivery as JSON text. */
export const textOf = ({ receipt, deliveries, entry: { partition, streamId, event } }: Delivery) =>
  `{"receipt":"${receipt}","deliveries":${deliveries},"partition":${partition},"streamId":"${streamId}","event":${structuredEvent(event)}}`
