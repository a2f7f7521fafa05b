import { uuidv7 } from '@santaclaude/kit/ids'
import type { EventLog } from './port.ts'

export interface Emission {
  tenant: string
  topic: string
  /** `<domain>.<noun>.<past verb>`, for example `ai.call.completed`. */
  type: string
  subject?: string
  /** Anything JSON can say. */
  data: unknown
  traceparent?: string
  /** Events with one key keep their order. */
  partitionkey?: string
}

/** Appends one CloudEvent and answers its id once the log has it. Rejects with a LogError. */
export type Emit = (emission: Emission) => Promise<string>

/** How a service tells the others what happened: CloudEvents 1.0 with `source` `/<service>`; a missing topic is made. */
export function emitter(log: Pick<EventLog, 'append'>, source: string): Emit {
  return async ({ tenant, topic, type, subject, data, traceparent, partitionkey }) => {
    const id = uuidv7()
    const dataJson = JSON.stringify(data)
    const attributes = {
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      ...(subject === undefined ? {} : { subject }),
      tenant,
      ...(traceparent === undefined ? {} : { traceparent }),
    }
    const event = {
      id,
      source,
      type,
      attributes,
      ...(dataJson === undefined ? {} : { dataJson }),
      ...(partitionkey === undefined ? {} : { partitionkey }),
    }
    await log.append({ tenant, topic }, [event], { create: true })
    return id
  }
}
