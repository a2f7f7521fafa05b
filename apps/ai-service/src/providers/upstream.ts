import { ProviderError, type ProviderErrorKind } from './port.ts'

/** How long a provider may keep us waiting, in milliseconds. */
export interface Patience {
  /** Until the first event with content. */
  firstTokenMs: number
  /** Between two events. Comments do not count: a proxy's keep-alive is not progress. */
  idleMs: number
}

export interface Post {
  url: string
  headers: Record<string, string>
  body: unknown
}

/** A response that the provider must not be silent over for too long; the caller's signal aborts it too. */
export interface Held {
  response: Response
  /** From now on the provider may keep us waiting for so long; the call ends with `kind` when it does for longer. */
  wait(ms: number, kind: ProviderErrorKind): void
  /** Around each read: time counts between `resume` and `hold`. */
  resume(): void
  hold(): void
  /** Stops the timer and lets the connection go. Call it in a `finally`. */
  release(): void
  /** What an error of reading really was: the timer, the caller's abort, or the socket. */
  explain(error: unknown): unknown
}

/**
 * Posts JSON and answers once the status line says success; everything else throws {@link ProviderError}. One attempt:
 * a retry is a decision of whoever pays for it.
 */
export async function post({ url, headers, body }: Post, patience: Patience, signal: AbortSignal): Promise<Held> {
  const timer = deadline(signal)
  timer.wait(patience.firstTokenMs, 'first_token_timeout')
  timer.resume()
  try {
    signal.throwIfAborted()
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: timer.signal,
      redirect: 'error',
      // Bun would end a silent connection after five minutes; how long to wait is said by our own timers.
      ...({ timeout: false } as RequestInit),
    })
    if (!response.ok) throw await refusal(response)
    timer.hold()
    return { response, ...timer }
  } catch (error) {
    timer.release()
    throw timer.explain(error, 'unreachable')
  }
}

/** Reads a whole body, at most `bytesMax` of it. */
export async function readWhole(held: Held, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of bodyOf(held)) {
      bytes += part.byteLength
      if (bytes > bytesMax) throw new ProviderError('malformed', `the answer is longer than ${bytesMax} bytes`)
      parts.push(part)
    }
  } catch (error) {
    throw held.explain(error)
  } finally {
    held.release()
  }
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** The bytes of a response as they come. Leaving the loop lets the connection go. */
export async function* bodyOf({ response, resume, hold }: Held): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      resume()
      const { done, value } = await reader.read()
      hold()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** The body as JSON, or a `malformed` error. */
export function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new ProviderError('malformed', 'the provider sent something that is not JSON', { cause })
  }
}

const kinds: Record<number, ProviderErrorKind> = {
  400: 'rejected',
  401: 'credentials',
  402: 'credentials',
  403: 'credentials',
  404: 'model_absent',
  408: 'failed',
  413: 'rejected',
  422: 'rejected',
  429: 'rate_limited',
  503: 'overloaded',
  529: 'overloaded',
}

async function refusal(response: Response): Promise<ProviderError> {
  const { status } = response
  const text = await response.text().catch(() => '')
  const kind = kinds[status] ?? (status >= 400 && status < 500 ? 'rejected' : 'failed')
  return new ProviderError(kind, `the provider answered ${status}`, {
    status,
    retryAfterSeconds: retryAfter(response.headers.get('retry-after')),
    param: namedField(text),
  })
}

function retryAfter(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(Math.ceil(seconds), 3600) : undefined
}

/** `error.param` when it is a plain field path; anything else might quote a prompt or a key. */
function namedField(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { param?: unknown } }
    return typeof error?.param === 'string' && /^[a-z_]+([.[][a-z0-9_]+\]?){0,6}$/.test(error.param)
      ? error.param
      : undefined
  } catch {
    return undefined
  }
}

/**
 * A signal that ends with the caller's or when a wait has used up its time. Only time spent waiting for the provider
 * counts: a client that reads slowly holds the reading up, and that is nobody's silence.
 */
function deadline(signal: AbortSignal) {
  const controller = new AbortController()
  let ranOut: ProviderErrorKind | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let leftMs = 0
  let kind: ProviderErrorKind = 'first_token_timeout'
  let startedMs = 0
  const onAbort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const resume = () => {
    startedMs = performance.now()
    timer ??= setTimeout(
      () => {
        ranOut = kind
        controller.abort(new ProviderError(kind, 'the provider was silent for too long'))
      },
      Math.max(leftMs, 0),
    )
  }
  const hold = () => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    leftMs -= performance.now() - startedMs
  }
  return {
    signal: controller.signal,
    resume,
    hold,
    wait(ms: number, forKind: ProviderErrorKind) {
      leftMs = ms
      kind = forKind
    },
    release() {
      hold()
      signal.removeEventListener('abort', onAbort)
    },
    explain(error: unknown, otherwise: ProviderErrorKind = 'cut'): unknown {
      if (signal.aborted) return signal.reason
      if (ranOut) return new ProviderError(ranOut, 'the provider was silent for too long')
      if (error instanceof ProviderError) return error
      return new ProviderError(otherwise, 'the connection to the provider failed', { cause: error })
    },
  }
}
