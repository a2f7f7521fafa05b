/** The answer kept for an Idempotency-Key. */
export interface KeptAnswer {
  status: number
  contentType: string
  body: string
}

/** What a claim on an Idempotency-Key found. */
export type Claim =
  | { state: 'new' }
  | { state: 'running' }
  /** The same key came with another request. */
  | { state: 'conflict' }
  | { state: 'done'; answer: KeptAnswer }

/** Where answers are kept for a day so that a repeated request is answered, not repeated. Adapters pass `idempotency-conformance.ts`. */
export interface Idempotency {
  /** Claims `key` for the request with this fingerprint, or tells who has it. A claim that is never kept ends after a minute. */
  claim(key: string, fingerprint: string): Promise<Claim>
  /** Keeps the answer of a claimed key. */
  keep(key: string, fingerprint: string, answer: KeptAnswer): Promise<void>
  /** Gives a claim back, because the request failed and may be tried again. */
  release(key: string): Promise<void>
}

export const claimMs = 60_000
export const keptMs = 86_400_000
