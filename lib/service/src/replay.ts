import { createHash } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import { Fault } from './faults.ts'
import type { KeptAnswer } from './idempotency.ts'

const keyForm = /^[\x21-\x7e]{1,255}$/

/**
 * Claims the request's Idempotency-Key, if it has one: the first request goes on, a repeat gets the kept answer, and a
 * different request under the same key is refused. Keys are fenced by caller, tenant, method and path: an answer may hold
 * what only its first reader was allowed to see.
 */
export async function claimIdempotency(exchange: Exchange, body: unknown): Promise<Response | undefined> {
  const given = exchange.request.headers.get('idempotency-key')
  if (given === null) return undefined
  if (!keyForm.test(given))
    throw new Fault('malformed_request', { detail: 'Idempotency-Key must be 1 to 255 printable ASCII characters.' })
  const { method } = exchange.request
  const key = `${exchange.caller?.tenant}:${exchange.caller?.keyId}:${method}:${exchange.path}:${given}`
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(body) ?? '')
    .digest('base64')
  const claim = await exchange.house.idempotency.claim(key, fingerprint)
  if (claim.state === 'conflict') throw new Fault('idempotency_conflict')
  if (claim.state === 'running') throw new Fault('idempotency_in_progress')
  if (claim.state === 'done') return replayed(claim.answer)
  exchange.claimed = { key, fingerprint }
  return undefined
}

const replayed = ({ status, contentType, body }: KeptAnswer) =>
  new Response(body, { status, headers: { 'content-type': contentType, 'idempotency-replayed': 'true' } })

/** Keeps a successful answer under the claimed key; gives the claim back after any other, so it can be tried again. */
export async function settleIdempotency(exchange: Exchange, response: Response): Promise<Response> {
  const { claimed } = exchange
  const { idempotency } = exchange.house
  if (!claimed) return response
  if (!response.ok || exchange.streaming) {
    await idempotency.release(claimed.key)
    return response
  }
  const body = await response.text()
  const contentType = response.headers.get('content-type') ?? 'application/json'
  await idempotency.keep(claimed.key, claimed.fingerprint, { status: response.status, contentType, body })
  return new Response(body, response)
}
