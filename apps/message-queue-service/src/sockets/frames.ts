import { parseJson } from '@santaclaude/service/body'
import { checker } from '@santaclaude/service/check'
import { Fault, problemOf } from '@santaclaude/service/faults'
import { t } from '@santaclaude/service/schema'
import { topicName } from '../topics/schemas.ts'

const sub = t.String({ minLength: 1, maxLength: 64 })
const ref = t.Optional(t.String({ minLength: 1, maxLength: 64 }))
const receipts = t.Array(t.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 1_000 })
const credit = t.Integer({ minimum: 1, maximum: 10_000 })
const delayMs = t.Optional(t.Integer({ minimum: 0, maximum: 86_400_000 }))
const leaseMs = t.Optional(t.Integer({ minimum: 1_000, maximum: 43_200_000 }))
/** As the header of a publish request says it. */
const wish = t.Optional(t.String({ maxLength: 256 }))
const reason = t.Optional(t.String({ maxLength: 1_024 }))

const frames = {
  sub: t.Object({
    ...{ op: t.Literal('sub'), ref, sub, topic: topicName, leaseMs },
    group: t.Optional(topicName),
    from: t.Optional(t.String({ maxLength: 4_096 })),
    since: t.Optional(t.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT' })),
    credit: t.Optional(credit),
  }),
  unsub: t.Object({ op: t.Literal('unsub'), ref, sub }),
  credit: t.Object({ op: t.Literal('credit'), ref, sub, credit }),
  pub: t.Object({
    ...{ op: t.Literal('pub'), ref, topic: topicName },
    key: t.Optional(t.String({ minLength: 1, maxLength: 256 })),
    ...{ durability: wish, partitionKey: wish, ttl: wish, delay: wish, deliverAt: wish, expectedLastId: wish },
    atomic: t.Optional(t.Boolean()),
    events: t.Array(t.Unknown(), { minItems: 1, maxItems: 1_000 }),
  }),
  ack: t.Object({ op: t.Literal('ack'), ref, sub, receipts }),
  nack: t.Object({ op: t.Literal('nack'), ref, sub, receipts, delayMs, reason }),
  extend: t.Object({ op: t.Literal('extend'), ref, sub, receipts, leaseMs }),
  term: t.Object({ op: t.Literal('term'), ref, sub, receipts, reason }),
}

const checks = {
  sub: checker(frames.sub),
  unsub: checker(frames.unsub),
  credit: checker(frames.credit),
  pub: checker(frames.pub),
  ack: checker(frames.ack),
  nack: checker(frames.nack),
  extend: checker(frames.extend),
  term: checker(frames.term),
}

/** What a client may send, by `op`. */
export type ClientFrame = ReturnType<(typeof checks)[keyof typeof checks]>
export type FrameOf<Op extends ClientFrame['op']> = Extract<ClientFrame, { op: Op }>

const utf8 = new TextEncoder()

/** What can be known of a frame before it is known to be good: its answer should reach who sent it. */
export interface Addressed {
  ref?: string
  sub?: string
}

/** Reads one frame. Faults: malformed_json, unsafe_key, validation_failed. */
export function readFrame(text: string): ClientFrame {
  const value = parseJson(utf8.encode(text)) as { op?: unknown }
  const op = typeof value === 'object' && value !== null ? value.op : undefined
  if (typeof op !== 'string' || !Object.hasOwn(checks, op))
    throw new Fault('validation_failed', {
      detail: `A frame is an object whose op is one of ${Object.keys(checks).join(', ')}.`,
      errors: [{ path: '/op', message: 'is none of them' }],
    })
  return checks[op as keyof typeof checks](value)
}

/** Whom an answer to this text is for, as far as it can be told. */
export function addressOf(text: string): Addressed {
  try {
    const { ref, sub } = JSON.parse(text) as Record<string, unknown>
    return { ...(typeof ref === 'string' ? { ref } : {}), ...(typeof sub === 'string' ? { sub } : {}) }
  } catch {
    return {}
  }
}

/** A failure as the client is told: the fields of a problem, addressed. */
export function errorFrame(to: Addressed, fault: Fault, requestId: string): string {
  const { code, detail, retryable, errors } = problemOf(fault, requestId)
  return JSON.stringify({ op: 'error', ...to, code, detail, retryable, ...(errors ? { errors } : {}) })
}
