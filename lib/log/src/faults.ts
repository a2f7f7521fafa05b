import { wasNeverSent } from '@santaclaude/redis/open'
import { ReplyError } from 'ioredis'
import { LogError } from './port.ts'

/** Whether Redis itself answered with this error word (`NOGROUP`, `GONE`, …). */
export const saysRedis = (error: unknown, word: string) => error instanceof Error && error.message.startsWith(word)

/**
 * What a failed command means to the log's caller. An error reply says that Redis did nothing (our scripts look before
 * they write); a command that never left did nothing either. Anything else on a write may have been done.
 */
export function logError(error: unknown, { isWrite }: { isWrite: boolean }): LogError {
  if (error instanceof LogError) return error
  const cause = { cause: error }
  if (saysRedis(error, 'GONE')) return new LogError('topic_not_found', 'The topic was deleted.', cause)
  if (saysRedis(error, 'NOGROUP')) return new LogError('group_not_found', 'The group does not exist.', cause)
  if (saysRedis(error, 'OOM') || saysRedis(error, 'MISCONF'))
    return new LogError('storage_full', 'Redis takes no more writes.', cause)
  if (isWrite && !(error instanceof ReplyError) && !wasNeverSent(error))
    return new LogError('outcome_unknown', 'The connection to Redis broke after sending.', cause)
  return new LogError('store_unavailable', 'Redis could not be reached.', cause)
}
