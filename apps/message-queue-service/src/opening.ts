import { recorder } from '@santaclaude/audit/recorder'
import { emitter } from '@santaclaude/log/emit'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import type { Running } from '@santaclaude/service/run'
import { ticketsInRedis } from '@santaclaude/service/tickets-redis'
import { agendasInRedis } from './agenda/redis.ts'
import type { Config } from './config.ts'
import { PublishLedger } from './events/publish-ledger.ts'
import { metersOf } from './meters.ts'
import type { Ports } from './ports.ts'
import { Governor } from './quotas/governor.ts'
import { quotasInRedis } from './quotas/store/redis.ts'
import { Registry } from './schemas/registry.ts'
import { schemasInRedis } from './schemas/store/redis.ts'
import { tellingViolations } from './schemas/violations.ts'
import { openHooks } from './webhooks/opening.ts'

const source = '/message-queue-service'

/** Opens what the app stands on: two ways to Redis, one for the log and one for everything else it keeps. */
export function openPorts({ config, host, own }: Running<typeof Config>): Omit<Ports, 'nudge'> {
  const redis = own(openRedis(config.redisUrl, { name: source }), (redis) => redis.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const meters = metersOf(host.metrics)
  const audit = recorder({ log, source, policy: config.auditPolicy, onMiss: () => meters.unrecorded.inc() })
  const hooks = openHooks({ config, host, redis })
  own(hooks.sender)
  const telling = {
    ...{ meters, emit: emitter(log, source) },
    warn: (message: string, error: unknown) => host.log.warn(message, { error }),
  }
  return {
    ...{ host, log, audit, hooks, ...telling },
    ...agendasInRedis(redis),
    ledger: new PublishLedger(audit),
    keys: keysInRedis(redis),
    idempotency: idempotencyInRedis(redis),
    tickets: ticketsInRedis(redis),
    quotas: new Governor({
      ...{ store: quotasInRedis(redis), log, defaults: config },
      onRefused: (limit) => meters.refused.inc({ limit }),
    }),
    schemas: new Registry({ store: schemasInRedis(redis), log, onViolation: tellingViolations(telling) }),
  }
}
