import { pause } from '@santaclaude/kit/deadline'
import type { SseEvent } from '@santaclaude/kit/sse'
import { Fault } from '@santaclaude/service/faults'
import type { QueueDepth, QueueGauge } from './queues.ts'
import { lookAtHouse, type StatusView } from './view.ts'
import type { Watch } from './watch.ts'

export interface FollowPorts {
  watch: Watch
  gauge: QueueGauge
  /** Streams this replica serves at once. */
  viewers: Viewers
}

/** Time between two looks of a live stream. */
export const streamEveryMs = 1_000

/** Counts the open streams, so that forgotten tabs cannot pile up. */
export class Viewers {
  private open = 0
  constructor(readonly openMax: number) {}

  /** Faults: rate_limited when as many as allowed are open. */
  mustHaveRoom(): void {
    if (this.open >= this.openMax)
      throw new Fault('rate_limited', {
        detail: `This replica serves at most ${this.openMax} status streams.`,
        retryAfterMs: 10_000,
      })
  }

  /** Counts one more; what it answers counts it off. Faults: rate_limited. */
  enter(): () => void {
    this.mustHaveRoom()
    this.open++
    return () => {
      this.open--
    }
  }
}

export type FullStatus = StatusView & { queues: QueueDepth[] }

/** Health and queues at one moment. Faults: store_unavailable when the queues cannot be read. */
export async function fullStatus(
  { watch, gauge }: Pick<FollowPorts, 'watch' | 'gauge'>,
  tenants: readonly string[],
): Promise<FullStatus> {
  const [view, queues] = await Promise.all([
    lookAtHouse(watch),
    gauge.measure(tenants).catch((cause) => {
      throw new Fault('store_unavailable', { cause })
    }),
  ])
  return { ...view, queues }
}

/** The status now, and again whenever it differs in more than the time of looking. Ends when the signal aborts. */
export async function* followStatus(
  ports: FollowPorts,
  { tenants, signal }: { tenants: readonly string[]; signal: AbortSignal },
): AsyncGenerator<SseEvent> {
  const leave = ports.viewers.enter()
  let known = ''
  try {
    while (!signal.aborted) {
      const status = await fullStatus(ports, tenants)
      const essence = essenceOf(status)
      if (essence !== known) yield { event: 'status', data: status }
      known = essence
      await pause(streamEveryMs, signal)
    }
  } finally {
    leave()
  }
}

const essenceOf = ({ services, engines, queues }: FullStatus) =>
  JSON.stringify([
    services.map(({ name, state, failing }) => [name, state, failing]),
    engines,
    queues.map(({ groups, ...queue }) => [queue, groups.map(({ oldestUnsettledMs, ...group }) => group)]),
  ])
