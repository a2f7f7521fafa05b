import { recorder } from '@santaclaude/audit/recorder'
import { emitter } from '@santaclaude/log/emit'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config } from './config.ts'
import { PublishLedger } from './events/publish-ledger.ts'
import { portsInRedis } from './in-redis.ts'
import { metersOf } from './meters.ts'
import { startPromoting } from './upkeep/promoting.ts'
import { startUpkeep } from './upkeep/upkeep.ts'

await run(about, Config, ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: about.name }), (redis) => redis.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const meters = metersOf(host.metrics)
  const source = '/message-queue-service'
  const audit = recorder({ log, source, policy: config.auditPolicy, onMiss: () => meters.unrecorded.inc() })
  const warn = (message: string, error: unknown) => host.log.warn(message, { error })
  const stores = portsInRedis(redis, { log, meters, limits: config })
  const ports = {
    host,
    log,
    audit,
    ledger: new PublishLedger(audit),
    emit: emitter(log, source),
    meters,
    warn,
    ...stores,
  }
  own(startUpkeep(ports, { everyMs: config.upkeepEveryMs }))
  own(startPromoting(ports))
  return app(ports)
})
