import { Fault, type Problem } from '@santaclaude/service/faults'

/** The error body OpenAI's clients read. Source: https://platform.openai.com/docs/guides/error-codes */
export interface OpenaiError {
  error: { message: string; type: string; param: string | null; code: string }
  request_id: string
}

/** A problem in OpenAI's words. */
export function openaiError({ status, code, detail, errors, requestId }: Problem): OpenaiError {
  return {
    error: {
      message: detail,
      type: typeOf(status),
      param: paramOf(errors?.[0]?.path),
      code: code === 'unauthenticated' ? 'invalid_api_key' : code,
    },
    request_id: requestId,
  }
}

/** The dialect of a path's errors: these routes are OpenAI's, the others speak problems. */
export const dialectOf = (path: string, problem: Problem): OpenaiError | undefined =>
  /^\/v1\/(chat|models)(\/|$)/.test(path) ? openaiError(problem) : undefined

function typeOf(status: number): string {
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  if (status === 504) return 'timeout_error'
  return status >= 500 ? 'api_error' : 'invalid_request_error'
}

/** `/body/messages/0/content` → `messages[0].content`. */
function paramOf(path: string | undefined): string | null {
  const parts = path?.split('/').slice(2) ?? []
  const written = parts.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('')
  return written === '' ? null : written.replace(/^\./, '')
}

/** What a stream says that we end because this replica goes away. */
export const draining = () =>
  new Fault('draining', { detail: 'This replica is shutting down; the answer is not complete.' })
