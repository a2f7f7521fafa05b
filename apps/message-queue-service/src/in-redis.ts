import type { EventLog } from '@santaclaude/log/port'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import type { Redis } from 'ioredis'
import { agendasInRedis } from './agenda/redis.ts'
import type { Meters } from './meters.ts'
import { Governor } from './quotas/governor.ts'
import type { Limits } from './quotas/store/port.ts'
import { quotasInRedis } from './quotas/store/redis.ts'

/** The ports that keep what they know in Redis, beside the log. */
export const portsInRedis = (
  redis: Redis,
  { log, meters, limits }: { log: EventLog; meters: Meters; limits: Limits },
) => ({
  ...agendasInRedis(redis),
  keys: keysInRedis(redis),
  idempotency: idempotencyInRedis(redis),
  quotas: new Governor({
    ...{ store: quotasInRedis(redis), log, defaults: limits },
    onRefused: (limit) => meters.refused.inc({ limit }),
  }),
})
