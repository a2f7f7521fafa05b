import { within } from '@santaclaude/kit/deadline'
import type { Caller } from './caller.ts'
import type { Tell } from './steps.ts'

const topics = ['projectflow', 'ai', 'browser', 'mq']
const readyDeadlineMs = 15_000

/** The events of one run, as the bus delivers them. */
export interface Bus {
  /** Resolves once an event of this type has come. */
  until(type: string, deadlineMs: number): Promise<void>
  close(): Promise<void>
}

interface CloudEvent {
  id: string
  type: string
  subject?: string
  traceparent?: string
}

/** Follows the topics of the platform live, from `sinceMs` on, and tells the events that belong to the trace. */
export async function followBus(
  queue: Caller,
  { traceId, sinceMs, tell }: { traceId: string; sinceMs: number; tell: Tell },
): Promise<Bus> {
  const leaving = new AbortController()
  const seen = new Set<string>()
  const waiting = new Set<() => void>()
  const arrived = (topic: string, event: CloudEvent) => {
    if (!event.traceparent?.includes(traceId)) return
    tell({ step: 'event', topic, type: event.type, subject: event.subject ?? '', id: event.id })
    seen.add(event.type)
    for (const look of waiting) look()
  }
  const since = encodeURIComponent(new Date(sinceMs).toISOString())
  const follow = (topic: string) => {
    const started = Promise.withResolvers<void>()
    const read = async () => {
      const path = `/v1/topics/${topic}/stream?since=${since}`
      for await (const { event, data } of queue.events('GET', path, { signal: leaving.signal })) {
        if (event === 'mq.ready') started.resolve()
        else if (event !== 'end' && event !== 'mq.reset') arrived(topic, JSON.parse(data) as CloudEvent)
      }
    }
    const ended = read().catch((error) => {
      if (!leaving.signal.aborted) started.reject(error)
    })
    return { started: started.promise, ended }
  }
  const follows = topics.map(follow)
  await within(readyDeadlineMs, 'the live streams', Promise.all(follows.map(({ started }) => started)))

  return {
    until: (type, deadlineMs) =>
      within(
        deadlineMs,
        `the event ${type}`,
        new Promise<void>((resolve) => {
          const look = () => {
            if (!seen.has(type)) return
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
          look()
        }),
      ),
    async close() {
      leaving.abort()
      await Promise.all(follows.map(({ ended }) => ended))
    },
  }
}
