import { recorder } from '@santaclaude/audit/recorder'
import { systemClock as clock } from '@santaclaude/kit/clock'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config, peersOf, watchOptions } from './config.ts'
import { keepRoot } from './keys/keep-root.ts'
import { metersOf } from './meters.ts'
import { Watch } from './status/watch.ts'

await run(about, Config, ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: 'projectflow-ai' }), (redis) => redis.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const store = { keys: keysInRedis(redis), idempotency: idempotencyInRedis(redis) }
  const [meters, peers] = [metersOf(host.metrics), peersOf(config)]
  const audit = recorder({ log, source: '/projectflow-ai', policy: config.auditPolicy, onMiss: meters.onUnrecorded })
  const root = own(keepRoot({ ...store, audit, clock, host }, config.rootKey))
  const ready = { redis: () => Promise.all([redis.ping(), log.ping()]), 'root-key': root.ready }
  const watch = own(new Watch({ ...watchOptions(config), ready, peers, clock, onProbe: meters.onProbe }).start())
  return app({ ...store, host, clock, audit, log, peers, ready, watch, meters, streamsMax: config.streamsMax })
})
