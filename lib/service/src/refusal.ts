import { isRedisAway, isRedisFull } from '@santaclaude/redis/away'
import type { AnyElysia, ValidationError } from 'elysia'
import type { Exchange } from './exchange.ts'
import { Fault, type FaultCode, type FieldError, faultHeaders, faults, problemOf } from './faults.ts'

const fieldErrorsMax = 20

/** The answer to a fault, in the dialect of its path. */
export function refusal(exchange: Exchange, fault: Fault): Response {
  exchange.fault = fault
  const { contentType, body } = exchange.house.dialect(exchange, problemOf(fault, exchange.requestId))
  return new Response(JSON.stringify(body), {
    status: fault.kind.status,
    headers: { 'content-type': contentType, ...faultHeaders(fault) },
  })
}

/** Any thrown thing as a fault. What is not ours becomes `internal`, with the thing itself as the private cause. */
export function faultFrom(
  code: unknown,
  error: unknown,
  { app, exchange }: { app: AnyElysia; exchange: Exchange },
): Fault {
  if (error instanceof Fault) return error
  // Elysia wraps whatever a parser throws.
  if (error instanceof Error && error.cause instanceof Fault) return error.cause
  // Errors of our libraries that know which fault they are, without knowing this package.
  if (error instanceof Error && 'faultCode' in error && Object.hasOwn(faults, String(error.faultCode)))
    return new Fault(error.faultCode as FaultCode, { cause: error })
  if (code === 'NOT_FOUND') return absent(app, exchange)
  if (code === 'VALIDATION') return misfit(error as ValidationError)
  if (code === 'PARSE') return new Fault('malformed_json', { cause: error })
  if (code === 'INVALID_COOKIE_SIGNATURE' || code === 'INVALID_FILE_TYPE')
    return new Fault('malformed_request', { cause: error })
  return storeFault(error) ?? new Fault('internal', { cause: error })
}

/** Any thrown thing as a fault, for work that answers no request. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof Error && 'faultCode' in error && Object.hasOwn(faults, String(error.faultCode)))
    return new Fault(error.faultCode as FaultCode, { cause: error })
  return storeFault(error) ?? new Fault('internal', { cause: error })
}

/** A failure of Redis as the fault it is, wherever it surfaced. */
export function storeFault(error: unknown): Fault | undefined {
  if (isRedisAway(error)) return new Fault('store_unavailable', { cause: error })
  if (isRedisFull(error)) return new Fault('storage_full', { cause: error })
  return undefined
}

/** An unknown address, or a known one that does not take this method. */
function absent(app: AnyElysia, { path, request }: Exchange): Fault {
  const allowed = [...new Set(app.routes.filter((route) => fits(route.path, path)).map((route) => route.method))]
  if (allowed.length === 0) return new Fault('not_found')
  if (allowed.includes('GET')) allowed.push('HEAD')
  return new Fault('method_not_allowed', {
    detail: `${request.method} is not taken here.`,
    headers: { allow: allowed.sort().join(', ') },
  })
}

function fits(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.replace(/\/$/, '').split('/')
  return (
    (wanted.length === given.length || (wanted.at(-1) === '*' && given.length >= wanted.length)) &&
    wanted.every((part, i) => part === '*' || (part.startsWith(':') ? given[i] !== '' : part === given[i]))
  )
}

/** A schema's refusal as field errors. A misfit of our own answer is our fault, not the caller's, and shows nothing. */
function misfit(error: ValidationError): Fault {
  if ((error.type as string) === 'response') return new Fault('internal', { cause: error })
  const errors: FieldError[] = []
  for (const found of error.all as { path?: string; message?: string; summary?: string }[]) {
    if (errors.length === fieldErrorsMax) break
    const message = found.message ?? found.summary ?? 'Does not fit.'
    const path = `/${error.type}${found.path ?? ''}`
    if (!errors.some((other) => other.path === path)) errors.push({ path, message })
  }
  const first = errors[0]
  return new Fault('validation_failed', {
    detail: first ? `${first.path}: ${first.message}.` : 'The request does not fit the schema.',
    errors,
    cause: error,
  })
}
