import { Fault, type FaultCode, type FaultOptions, faults } from '@santaclaude/service/faults'
import { ProviderError, type ProviderErrorKind } from './port.ts'

const codes: Record<ProviderErrorKind, FaultCode> = {
  credentials: 'upstream_credentials',
  rate_limited: 'upstream_limited',
  overloaded: 'upstream_overloaded',
  rejected: 'upstream_rejected',
  model_absent: 'model_not_found',
  unreachable: 'upstream_failed',
  first_token_timeout: 'upstream_timeout',
  idle_timeout: 'upstream_timeout',
  total_timeout: 'upstream_timeout',
  cut: 'upstream_failed',
  malformed: 'upstream_failed',
  failed: 'upstream_failed',
}

const details: Partial<Record<ProviderErrorKind, string>> = {
  unreachable: 'The model provider could not be reached.',
  first_token_timeout: 'The model provider did not begin its answer in time.',
  idle_timeout: 'The model provider stopped in the middle of its answer.',
  total_timeout: 'The answer took longer than a call may take.',
  cut: 'The connection to the model provider broke in the middle of the answer.',
  malformed: 'The model provider sent something that could not be read.',
}

/** What the caller of a model is told about a failure. The upstream's own words stay in the cause. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof ProviderError) return faultOfProvider(error)
  if (error instanceof Error && 'faultCode' in error && Object.hasOwn(faults, String(error.faultCode))) {
    return new Fault(error.faultCode as FaultCode, { cause: error })
  }
  return new Fault('internal', { cause: error })
}

function faultOfProvider(error: ProviderError): Fault {
  const detail = details[error.kind]
  const options: FaultOptions = {
    cause: error,
    ...(detail !== undefined && { detail }),
    ...(error.param !== undefined && {
      errors: [
        { path: `/body/${error.param.replace(/[.[]/g, '/').replaceAll(']', '')}`, message: 'Refused by the provider.' },
      ],
    }),
    ...(error.retryAfterSeconds !== undefined && { retryAfterMs: error.retryAfterSeconds * 1000 }),
  }
  const fault = new Fault(codes[error.kind], options)
  // The vendors' clients repeat every 5xx by themselves unless told otherwise; a dead key stays dead.
  return 'retryable' in fault.kind
    ? fault
    : new Fault(fault.code, { ...options, headers: { 'x-should-retry': 'false' } })
}
