import type { Provider, ProviderRequest, Relay } from '../providers/port.ts'
import { type Ask, type Begun, begin, type CallPorts, left } from './call.ts'
import { rendered } from './render.ts'

/** An answer in OpenAI's dialect, begun. */
export interface Completion {
  provider: string
  model: string
  /** The stream's blocks. The last one comes when the outcome is recorded; an early end has thrown a Fault. */
  stream(signal: AbortSignal): AsyncGenerator<Uint8Array>
  /** The answer in one piece. */
  whole(): Promise<Uint8Array<ArrayBuffer>>
}

/** Answers a chat request: a provider of the same dialect is relayed as it is, any other rendered. */
export async function complete(ports: CallPorts, ask: Ask): Promise<Completion> {
  const begun = await begin(ports, ask, relay)
  return {
    provider: begun.provider.id,
    model: begun.request.model,
    stream: (signal) => {
      if (signal.aborted) begun.stop(signal.reason)
      else signal.addEventListener('abort', () => begun.stop(signal.reason), { once: true })
      return blocks(begun, signal, ports.drain)
    },
    whole: async () => {
      let whole = new Uint8Array(0)
      for await (const block of blocks(begun, ask.signal, ports.drain)) whole = new Uint8Array(block)
      return whole
    },
  }
}

const relay = async (provider: Provider, request: ProviderRequest, signal: AbortSignal): Promise<Relay> =>
  provider.relay
    ? provider.relay(request, signal)
    : rendered(await provider.complete(request, signal), { request, fingerprint: provider.id })

/** The answer's blocks with the books kept: whoever stops reading abandons the call. */
async function* blocks(
  { opened, call, stop }: Begun<Relay>,
  signal: AbortSignal,
  drain: CallPorts['drain'],
): AsyncGenerator<Uint8Array> {
  const { seen } = opened
  try {
    for await (const block of opened.blocks) {
      if (seen.hasContent) call.content()
      yield block
    }
    if (seen.hasContent) call.content()
    await call.succeed(seen)
    yield opened.last()
  } catch (error) {
    if (!signal.aborted) throw await call.fail(error, seen)
    throw left(signal.reason)
  } finally {
    stop()
    await call.abandon(drain.lastCall.aborted ? 'draining' : 'client_left', seen)
  }
}
