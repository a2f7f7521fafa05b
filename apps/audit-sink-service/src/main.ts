import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { run } from '@santaclaude/service/run'
import about from '../package.json'
import { app } from './app.ts'
import { Config } from './config.ts'
import { redisLeases } from './lease/redis.ts'
import { metersOf } from './meters.ts'
import { openStore } from './store/open.ts'
import { startWriter } from './writer/writer.ts'

await run(about, Config, async ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: about.name }), (open) => open.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const store = own(await openStore(config))
  const leases = redisLeases(redis, { prefix: 'sc:audit-sink:writer:', owner: store.writerId })
  own(startWriter({ log, ledger: store, leases, watch: metersOf(host) }))
  return app({ host, keys: keysInRedis(redis), idempotency: idempotencyInRedis(redis), log, store })
})
