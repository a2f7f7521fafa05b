import { tmpdir } from 'node:os'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config } from './config.ts'
import { openBrowsers } from './open.ts'
import { openScratch } from './scratch.ts'

await run(about, Config, ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: about.name }), (open) => open.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const scratch = own(openScratch(config.scratchDir ?? tmpdir()))
  // Playwright keeps browser profiles in the temporary folder of its process; ours is private and emptied at the stop.
  process.env.TMPDIR = scratch.path
  const browsers = own(openBrowsers({ config, host, redis, log, scratchDir: scratch.path }))
  return app({ ...browsers, host, keys: keysInRedis(redis), idempotency: idempotencyInRedis(redis) })
})
