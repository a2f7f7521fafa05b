import { recorder } from '@santaclaude/audit/recorder'
import { emitter } from '@santaclaude/log/emit'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { agendasInRedis } from './agenda/redis.ts'
import { app } from './app.ts'
import { Config } from './config.ts'
import { metersOf } from './meters.ts'
import { startUpkeep } from './upkeep/upkeep.ts'

await run(about, Config, ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: about.name }), (redis) => redis.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const meters = metersOf(host.metrics)
  const source = '/message-queue-service'
  const audit = recorder({ log, source, policy: config.auditPolicy, onMiss: () => meters.unrecorded.inc() })
  const warn = (message: string, error: unknown) => host.log.warn(message, { error })
  const ports = { host, log, audit, emit: emitter(log, source), meters, warn, ...agendasInRedis(redis) }
  own(startUpkeep(ports, { everyMs: config.upkeepEveryMs }))
  return app({ ...ports, keys: keysInRedis(redis), idempotency: idempotencyInRedis(redis) })
})
