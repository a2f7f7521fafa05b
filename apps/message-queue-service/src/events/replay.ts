import { structuredEvent } from '@santaclaude/log/event'
import type { EventLog, LogEntry, Start } from '@santaclaude/log/port'
import { topicForReader } from '../platform.ts'

/** A stored event as JSON text, its data byte for byte as it was published. */
const storedEvent = ({ partition, streamId, event }: LogEntry) =>
  `{"partition":${partition},"streamId":"${streamId}","event":${structuredEvent(event)}}`

/** One page of a topic as JSON text. */
export async function replay(
  log: EventLog,
  address: { tenant: string; topic: string },
  { start, limit }: { start: Start; limit: number },
): Promise<string> {
  await topicForReader(log, address)
  const { entries, cursor, isEnd, gaps } = await log.read(address, { from: start, limit })
  return `{"events":[${entries.map(storedEvent).join(',')}],"cursor":"${cursor}","isEnd":${isEnd},"gaps":${JSON.stringify(gaps)}}`
}
