import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { Catalogue } from '../models/catalogue.ts'
import { type Provider, ProviderError, type ProviderRequest } from '../providers/port.ts'
import { checkChat } from './check.ts'
import { type LedgerPorts, OpenCall } from './ledger.ts'
import type { ChatRequest } from './schemas.ts'

export interface CallPorts extends LedgerPorts {
  catalogue: Catalogue
  /** The longest a call may take from end to end, in milliseconds. */
  callMs: number
  /** Its signal aborts when streams must end because this replica goes away. */
  drain: { readonly lastCall: AbortSignal }
}

/** Who asks what. */
export interface Ask {
  who: Who
  request: ChatRequest
  sessionId?: string
  /** Aborts when the caller no longer wants the answer. */
  signal: AbortSignal
}

/** A call the upstream has taken. */
export interface Begun<Opened> {
  opened: Opened
  provider: Provider
  request: ProviderRequest
  call: OpenCall
  /** Ends the upstream call, whatever state it is in. */
  stop(reason?: unknown): void
}

type Open<Opened> = (provider: Provider, request: ProviderRequest, signal: AbortSignal) => Promise<Opened>

/**
 * Begins a model call: finds the provider, records the intent, asks. Resolves once the upstream has accepted, so that a
 * refusal is still an ordinary error answer.
 */
export async function begin<Opened>(ports: CallPorts, ask: Ask, open: Open<Opened>): Promise<Begun<Opened>> {
  checkChat(ask.request)
  const { provider, model } = await ports.catalogue.find(ask.request.model, ask.signal)
  const request = { ...ask.request, model }
  const call = await OpenCall.open(ports, { who: ask.who, provider: provider.id, request, sessionId: ask.sessionId })
  const line = lifeline(ask.signal, ports.callMs)
  try {
    const opened = await open(provider, request, line.signal)
    call.accepted()
    return { opened, provider, request, call, stop: line.stop }
  } catch (error) {
    line.stop()
    if (ask.signal.aborted) {
      await call.abandon(ports.drain.lastCall.aborted ? 'draining' : 'client_left')
      throw left(ask.signal.reason)
    }
    throw await call.fail(error)
  }
}

/** What is thrown when the caller's signal ended a call: its own Fault, or that the client left, which nobody reads. */
export const left = (reason: unknown): Fault =>
  reason instanceof Fault
    ? reason
    : new Fault('malformed_request', { detail: 'The client left before the end.', cause: reason })

/** A signal that ends with the caller's, at the deadline, or when it is stopped. */
function lifeline(signal: AbortSignal, callMs: number) {
  const controller = new AbortController()
  const onAbort = () => stop(signal.reason)
  const timer = setTimeout(() => stop(new ProviderError('total_timeout', `not done after ${callMs} ms`)), callMs)
  const stop = (reason?: unknown) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    controller.abort(reason)
  }
  if (signal.aborted) stop(signal.reason)
  else signal.addEventListener('abort', onAbort, { once: true })
  return { signal: controller.signal, stop }
}
