/** One request to an endpoint. */
export interface Outgoing {
  url: string
  headers: Record<string, string>
  body: Uint8Array
  /** From the look-up of the name to the status of the answer. */
  timeoutMs: number
  /** Ends the attempt at once, as `stopped`. */
  signal?: AbortSignal
}

/** Why there was no answer. */
export const failures = [
  /** The name, or the literal, leads to an address no request may be sent to. */
  'address_refused',
  'name_not_found',
  'connection_refused',
  'tls_failed',
  'timed_out',
  'connection_lost',
  'bad_response',
  /** We gave up, not the endpoint. */
  'stopped',
] as const
export type Failure = (typeof failures)[number]

export interface Answer {
  status: number
  /** The value of the Retry-After header. */
  retryAfter?: string
  /** The beginning of the body as text, at most {@link responseCharsMax} characters. */
  text: string
}

export type Sent = ({ answer: Answer } | { failure: Failure }) & {
  /** Until the status came, or the failure. */
  latencyMs: number
}

export const responseCharsMax = 1_024

/**
 * How a message gets to its endpoint: one POST, no redirect followed, never to an address that the policy refuses, and
 * back within `timeoutMs` whatever the endpoint does. Never rejects. Adapters pass `conformance.ts`.
 */
export interface Sender {
  send(outgoing: Outgoing): Promise<Sent>
  /** Lets go of idle connections. */
  close(): Promise<void>
}
