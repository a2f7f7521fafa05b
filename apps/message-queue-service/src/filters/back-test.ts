import { structuredEvent } from '@santaclaude/log/event'
import { compileFilter } from '@santaclaude/log/filter'
import type { Filter, LogEntry, Start } from '@santaclaude/log/port'
import { checkFilter } from '../groups/put.ts'
import { topicForReader } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'

const page = 500
const bytesMax = 64 * 1_048_576
const timeMaxMs = 3_000
const typesMax = 50

export interface BackTest {
  filter: Filter
  start: Start
  /** The most events to look at. */
  events: number
  /** The most matches to show. */
  samples: number
}

/**
 * Runs a filter over what a topic holds, without a group: how many events fit, of which types, and some of them. It
 * stops at the end, after so many events, after 64 MiB, or after 3 s, and says which. Answers JSON text.
 */
export async function backTest(
  { log }: Pick<QueuePorts, 'log'>,
  address: { tenant: string; topic: string },
  { filter, start, events, samples }: BackTest,
): Promise<string> {
  checkFilter(filter)
  await topicForReader(log, address)
  const fits = compileFilter(filter)
  const found = { examined: 0, matched: 0, bytes: 0 }
  const types = new Map<string, number>()
  const shown: LogEntry[] = []
  const untilMs = performance.now() + timeMaxMs
  let from = start
  let stoppedBy: 'end' | 'events' | 'bytes' | 'time' = 'end'
  for (;;) {
    const { entries, cursor, isEnd } = await log.read(address, { from, limit: Math.min(page, events - found.examined) })
    for (const entry of entries) {
      found.bytes += entry.event.dataJson?.length ?? 0
      if (!fits(entry.event)) continue
      found.matched++
      const { type } = entry.event
      if (types.has(type) || types.size < typesMax) types.set(type, (types.get(type) ?? 0) + 1)
      if (shown.length < samples) shown.push(entry)
    }
    found.examined += entries.length
    from = { cursor }
    if (isEnd) break
    if (found.examined >= events) stoppedBy = 'events'
    else if (found.bytes >= bytesMax) stoppedBy = 'bytes'
    else if (performance.now() >= untilMs) stoppedBy = 'time'
    if (stoppedBy !== 'end') break
  }
  const { examined, matched } = found
  const byType = [...types].map(([type, count]) => ({ type, count })).sort((a, b) => b.count - a.count)
  const head = JSON.stringify({ examined, matched, stoppedBy, cursor: 'cursor' in from ? from.cursor : '', byType })
  const texts = shown.map(
    ({ partition, streamId, event }) =>
      `{"partition":${partition},"streamId":"${streamId}","event":${structuredEvent(event)}}`,
  )
  return `${head.slice(0, -1)},"samples":[${texts.join(',')}]}`
}
