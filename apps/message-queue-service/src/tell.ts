import { uuidv7 } from '@santaclaude/kit/ids'
import type { Who } from '@santaclaude/service/exchange'
import type { QueueEvents } from './contract.ts'
import type { QueuePorts } from './ports.ts'

type Telling = Pick<QueuePorts, 'audit' | 'emit' | 'warn'>

interface Act {
  action: string
  target: { type: string; id: string }
  data?: Record<string, unknown>
}

/**
 * Does a thing that must be on the record. The record comes first: under `AUDIT_POLICY=require` nothing happens without
 * it. When the act then fails, a second record says so and names the first.
 */
export async function recorded<Result>(
  { audit, warn }: Telling,
  who: Who,
  { act, work }: { act: Act; work: () => Promise<Result> },
): Promise<Result> {
  const { tenant, actor, requestId, traceId, ip, userAgent } = who
  const entry = { tenant, actor, requestId, traceId, ip, userAgent, ...act }
  const id = uuidv7()
  await audit.record({ ...entry, id, outcome: 'success' })
  try {
    return await work()
  } catch (error) {
    await audit
      .record({ ...entry, parentId: id, outcome: 'failure' })
      .catch((cause) => warn('unrecorded failure', cause))
    throw error
  }
}

/** Tells the tenant on the topic `mq`. The act is done by then, so a telling that fails is only logged. */
export async function tell<Type extends keyof QueueEvents>(
  { emit, warn }: Pick<QueuePorts, 'emit' | 'warn'>,
  { tenant, traceparent }: { tenant: string; traceparent?: string },
  event: { type: Type; subject: string; data: QueueEvents[Type] },
): Promise<void> {
  const trace = traceparent === undefined ? {} : { traceparent }
  await emit({ tenant, topic: 'mq', partitionkey: event.subject, ...trace, ...event }).catch((error) =>
    warn(`could not emit ${event.type}`, error),
  )
}
