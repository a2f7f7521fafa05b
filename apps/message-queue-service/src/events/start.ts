import type { Start } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'

/** Where a reader wants to start, from what the request says. */
export function startOf({
  from,
  since,
  otherwise,
}: {
  from?: string | undefined
  since?: string | undefined
  otherwise: 'earliest' | 'latest'
}): Start {
  if (from !== undefined && since !== undefined)
    throw new Fault('validation_failed', {
      detail: 'from and since cannot stand together.',
      errors: [{ path: '/query/since', message: 'cannot stand beside from' }],
    })
  if (since !== undefined) return { sinceMs: Date.parse(since) }
  if (from === undefined) return { at: otherwise }
  return from === 'earliest' || from === 'latest' ? { at: from } : { cursor: from }
}
