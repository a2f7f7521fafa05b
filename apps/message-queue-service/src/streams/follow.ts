import type { SseEvent } from '@santaclaude/kit/sse'
import { structuredOnce } from '@santaclaude/log/event'
import type { Start, TailItem } from '@santaclaude/log/port'
import { topicForReader } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'

/**
 * Follows a topic as server-sent events. Rejects before the first byte when the topic or the cursor is wrong. Every
 * frame's id is a cursor, so a reader that comes back with `Last-Event-ID` goes on exactly where it was.
 */
export async function follow(
  { log, meters, quotas }: Pick<QueuePorts, 'log' | 'meters' | 'quotas'>,
  address: { tenant: string; topic: string },
  from: Start,
): Promise<{ produce(signal: AbortSignal): AsyncGenerator<SseEvent>; dropped(): SseEvent }> {
  await topicForReader(log, address)
  const close = await quotas.stream(address.tenant)
  const stopping = new AbortController()
  const tail = log.tail(address, { from, signal: stopping.signal })[Symbol.asyncIterator]()
  const first = await tail.next().catch((error) => {
    close()
    throw error
  })
  let cursor = ''
  async function* produce(signal: AbortSignal): AsyncGenerator<SseEvent> {
    const stop = () => stopping.abort()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    meters.streams.inc()
    try {
      for (let next = first; !next.done; next = await tail.next()) {
        cursor = next.value.cursor
        if (next.value.kind === 'entry') meters.delivered.inc({ transport: 'stream' })
        yield frameOf(next.value)
      }
    } finally {
      meters.streams.dec()
      close()
      stop()
      await tail.return?.()
    }
  }
  const dropped = (): SseEvent => {
    meters.dropped.inc({ transport: 'stream' })
    return { id: cursor, event: 'mq.dropped', data: { cursor, reason: 'This reader took nothing for too long.' } }
  }
  return { produce, dropped }
}

function frameOf(item: TailItem): SseEvent {
  const { cursor: id } = item
  switch (item.kind) {
    case 'ready':
      return { id, event: 'mq.ready', data: { cursor: id } }
    case 'gap':
      return { id, event: 'mq.reset', data: item.gap }
    case 'entry':
      return { id, event: item.entry.event.type, data: structuredOnce(item.entry.event) }
  }
}
