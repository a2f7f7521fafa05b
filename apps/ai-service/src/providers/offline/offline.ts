import { pause } from '@santaclaude/kit/deadline'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { ChatMessage } from '../../chat/schemas.ts'
import type { Chunk, FinishReason, Provider, ProviderRequest, Usage } from '../port.ts'
import { decide } from './decide.ts'
import { jsonAnswer } from './json-answer.ts'
import { tokenCount, tokens } from './tokens.ts'

export interface OfflineOptions {
  /** The pause before each token, in milliseconds; 0 = none. For those who want to watch it write. */
  tokenMs?: number
}

/**
 * The model that is there when no provider has a key: a fixed policy over what it is given (`decide.ts`), the same
 * answer for the same input, no network. It streams, calls tools, counts tokens and obeys limits as the others do.
 */
export function offline({ tokenMs = 0 }: OfflineOptions = {}): Provider {
  return {
    id: 'offline',
    kind: 'offline',
    baseUrl: null,
    defaultModel: 'offline',
    remedy: '',
    hasKey: () => false,
    isReady: () => true,
    claims: (model) => model === 'offline',
    models: async () => [{ id: 'offline', created: 0, ownedBy: 'offline' }],
    complete: async (request, signal) => {
      signal.throwIfAborted()
      return speak(request, { signal, tokenMs })
    },
  }
}

async function* speak(
  request: ProviderRequest,
  { signal, tokenMs }: { signal: AbortSignal; tokenMs: number },
): AsyncGenerator<Chunk> {
  const decision = decide(request)
  const asJson = decision.call ? undefined : jsonAnswer(request.response_format, decision.facts)
  const usage: Usage = { promptTokens: promptTokens(request), completionTokens: 0, cachedTokens: 0 }
  const budget = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  const breathe = async () => {
    if (tokenMs > 0) await pause(tokenMs, signal)
    // A turn of the event loop for each token lets an abort in, and other requests.
    else await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
  }
  if (decision.pauseMs) await pause(decision.pauseMs, signal)
  signal.throwIfAborted()
  const said = untilStop(asJson?.text ?? decision.say, request.stop ?? [])
  const kind = asJson?.isRefusal ? 'refusal' : 'text'
  for (const text of tokens(said)) {
    if (usage.completionTokens >= budget) return yield end('length', usage)
    await breathe()
    usage.completionTokens++
    yield { type: kind, text }
  }
  if (!decision.call) return yield end('stop', usage)

  const text = JSON.stringify(decision.call.arguments)
  const pieces = tokens(text)
  if (usage.completionTokens + pieces.length > budget) return yield end('length', usage)
  yield { type: 'tool_call', index: 0, id: `call_${uuidv7().replaceAll('-', '')}`, name: decision.call.name }
  usage.completionTokens += 1 + pieces.length
  for (const piece of pieces) {
    await breathe()
    yield { type: 'tool_arguments', index: 0, text: piece }
  }
  yield end('tool_calls', usage)
}

const end = (finishReason: FinishReason, usage: Usage): Chunk => ({ type: 'end', finishReason, usage })

function untilStop(text: string, stop: string | string[]): string {
  const marks = (typeof stop === 'string' ? [stop] : stop).filter((mark) => mark !== '')
  const places = marks.map((mark) => text.indexOf(mark)).filter((at) => at >= 0)
  return places.length > 0 ? text.slice(0, Math.min(...places)) : text
}

/** Every message costs three tokens of frame, as with chat models, and the answer's opening three more. */
function promptTokens({ messages, tools }: ProviderRequest): number {
  const told = messages.reduce((sum, message) => sum + 3 + tokenCount(textOf(message)), 3)
  return told + (tools ? tokenCount(JSON.stringify(tools)) : 0)
}

const textOf = ({ role, content, tool_calls }: ChatMessage) =>
  [
    role,
    typeof content === 'string' ? content : (content ?? []).map(({ text }) => text ?? '').join(''),
    ...(tool_calls ?? []).map(({ function: call }) => `${call.name}${call.arguments}`),
  ].join(' ')
