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
  ports: Telling,
  who: Who,
  { act, work }: { act: Act; work: () => Promise<Result> },
): Promise<Result> {
  const id = uuidv7()
  await ports.audit.record({ ...entryOf(who, act), id, outcome: 'success' })
  return attempted(ports, who, { act, work, recordId: id })
}

/** Does what the record `recordId` announced; when that fails, a second record says so. */
export async function attempted<Result>(
  { audit, warn }: Telling,
  who: Who,
  { act, work, recordId }: { act: Act; work: () => Promise<Result>; recordId: string },
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await audit
      .record({ ...entryOf(who, act), parentId: recordId, outcome: 'failure' })
      .catch((cause) => warn('unrecorded failure', cause))
    throw error
  }
}

const entryOf = ({ tenant, actor, requestId, traceId, ip, userAgent }: Who, act: Act) => ({
  ...{ tenant, actor, requestId, traceId, ip, userAgent },
  ...act,
})

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
