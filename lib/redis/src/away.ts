const signs = [
  'Connection is closed',
  'Command timed out',
  "Stream isn't writeable",
  'Connection timeout',
  'Blocking command timed out',
  "Cluster isn't ready",
  'Too many Cluster redirections',
  'All sentinels are unreachable',
]
const replies = ['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'READONLY', 'NOREPLICAS', 'TRYAGAIN']
const codes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']

/** Whether an error says that Redis cannot be used now, rather than that it was asked for something wrong. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'MaxRetriesPerRequestError' || error.name === 'ClusterAllFailedError') return true
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && codes.includes(code) && 'command' in error) return true
  return (
    signs.some((sign) => error.message.startsWith(sign)) ||
    replies.some((reply) => error.message.startsWith(`${reply} `))
  )
}

/** Whether Redis refused a write because its memory is full (`maxmemory` with `noeviction`). */
export const isRedisFull = (error: unknown): boolean => error instanceof Error && error.message.startsWith('OOM ')
