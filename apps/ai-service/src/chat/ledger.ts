import { createHash } from 'node:crypto'
import type { Recorder } from '@santaclaude/audit/recorder'
import { uuidv7 } from '@santaclaude/kit/ids'
import { type Semaphore, SemaphoreError } from '@santaclaude/kit/semaphore'
import type { Emit } from '@santaclaude/log/emit'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { Logger } from '@santaclaude/service/log'
import type { CallCompleted } from '../contract.ts'
import type { AiMetrics } from '../metrics.ts'
import { faultOf } from '../providers/fault-of.ts'
import type { Health } from '../providers/health.ts'
import { ProviderError, type ProviderRequest, type Sighting } from '../providers/port.ts'

export interface LedgerPorts {
  audit: Recorder
  emit: Emit
  metrics: AiMetrics
  health: Health
  log: Logger
  /** One for each call that may be in flight on this replica. */
  slots: Semaphore
}

export interface CallFacts {
  who: Who
  provider: string
  request: ProviderRequest
  sessionId?: string | undefined
}

/**
 * One model call on the books: its intent is recorded before the upstream is asked, its outcome before the caller gets
 * the last byte. Exactly one of `succeed`, `fail` and `abandon` counts; later ones do nothing.
 */
export class OpenCall {
  readonly id = uuidv7()
  private readonly startedMs = performance.now()
  private firstTokenMs: number | undefined
  private isOpen = true

  private constructor(
    private readonly ports: LedgerPorts,
    private readonly facts: CallFacts,
    private readonly leave: () => void,
  ) {}

  /** Takes a slot and records the intent. Faults: rate_limited, audit_unavailable; then nothing may be called. */
  static async open(ports: LedgerPorts, facts: CallFacts): Promise<OpenCall> {
    const call = new OpenCall(ports, facts, await slot(ports.slots))
    try {
      await ports.audit.record(call.intent())
    } catch (error) {
      call.leave()
      throw faultOf(error)
    }
    ports.metrics.active.inc()
    return call
  }

  private intent() {
    const { request } = this.facts
    return {
      ...this.entry('ai.call.requested'),
      id: this.id,
      outcome: 'success' as const,
      data: {
        messages: request.messages.length,
        tools: request.tools?.length ?? 0,
        stream: request.stream === true,
        requestSha256: createHash('sha256').update(JSON.stringify(request)).digest('hex'),
      },
    }
  }

  /** The upstream took the call. */
  accepted(): void {
    this.ports.health.ok(this.facts.provider, performance.now() - this.startedMs)
  }

  /** Something with content came; only the first time counts. */
  content(): void {
    if (this.firstTokenMs !== undefined) return
    this.firstTokenMs = performance.now() - this.startedMs
    this.ports.metrics.firstToken.observe({ provider: this.facts.provider }, this.firstTokenMs / 1000)
  }

  /** Faults: audit_unavailable, and then the answer must not end as if all were well. */
  async succeed(seen: Sighting): Promise<void> {
    await this.close({ outcome: 'success', reason: null, seen })
  }

  /** Closes the call and answers the fault to throw. */
  async fail(error: unknown, seen?: Sighting): Promise<Fault> {
    const fault = faultOf(error)
    if (error instanceof ProviderError) this.ports.health.failed(this.facts.provider, error.kind)
    const reason = error instanceof ProviderError ? error.kind : fault.code
    await this.close({ outcome: 'failure', reason, seen }).catch(() => {})
    return fault
  }

  /** The caller left, or we are shutting down. */
  async abandon(reason: 'client_left' | 'draining', seen?: Sighting): Promise<void> {
    await this.close({ outcome: 'failure', reason, seen }).catch(() => {})
  }

  private async close({ outcome, reason, seen }: Closing): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    this.leave()
    const { facts, ports } = this
    const completed: CallCompleted = {
      callId: this.id,
      sessionId: facts.sessionId ?? null,
      provider: facts.provider,
      model: facts.request.model,
      outcome,
      reason,
      finishReason: seen?.finishReason ?? null,
      promptTokens: seen?.usage?.promptTokens ?? null,
      completionTokens: seen?.usage?.completionTokens ?? null,
      cachedTokens: seen?.usage?.cachedTokens ?? null,
      durationMs: Math.round(performance.now() - this.startedMs),
      firstTokenMs: this.firstTokenMs === undefined ? null : Math.round(this.firstTokenMs),
    }
    this.count(completed)
    const told = this.tell(completed)
    await ports.audit.record({
      ...this.entry('ai.call.completed'),
      parentId: this.id,
      outcome,
      data: { ...completed },
    })
    await told
  }

  private count({ provider, outcome, promptTokens, completionTokens, durationMs }: CallCompleted): void {
    const { metrics } = this.ports
    metrics.active.dec()
    metrics.calls.inc({ provider, outcome })
    metrics.duration.observe({ provider }, durationMs / 1000)
    metrics.tokens.inc({ provider, kind: 'prompt' }, promptTokens ?? 0)
    metrics.tokens.inc({ provider, kind: 'completion' }, completionTokens ?? 0)
  }

  /** An event nobody hears must not undo a call that was made and recorded. */
  private async tell(completed: CallCompleted): Promise<void> {
    const { who, sessionId } = this.facts
    try {
      await this.ports.emit({
        tenant: who.tenant,
        topic: 'ai',
        type: 'ai.call.completed',
        subject: sessionId ?? this.id,
        traceparent: who.traceparent,
        partitionkey: sessionId ?? this.id,
        data: completed,
      })
    } catch (error) {
      this.ports.metrics.eventMisses.inc()
      this.ports.log.warn('event not emitted', { type: 'ai.call.completed', callId: this.id, error })
    }
  }

  private entry(action: string) {
    const { who, provider, request, sessionId } = this.facts
    const { tenant, actor, requestId, traceId, ip, userAgent } = who
    const target = { type: 'model', id: `${provider}/${request.model}` }
    return { tenant, actor, requestId, traceId, ip, userAgent, sessionId, action, target }
  }
}

async function slot(slots: Semaphore): Promise<() => void> {
  try {
    return await slots.acquire({ waitMs: 0 })
  } catch (error) {
    if (!(error instanceof SemaphoreError)) throw error
    throw new Fault('rate_limited', {
      detail: `This replica has ${slots.permits} model calls in flight.`,
      cause: error,
    })
  }
}

interface Closing {
  outcome: 'success' | 'failure'
  reason: string | null
  seen: Sighting | undefined
}
