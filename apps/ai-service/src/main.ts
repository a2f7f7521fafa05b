import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config } from './config.ts'
import { portsOf } from './ports.ts'

await run(about, Config, ({ config, host, own }) => {
  const redis = own(openRedis(config.redisUrl, { name: 'ai-service' }), (client) => client.disconnect())
  const log = own(openLog({ redisUrl: config.redisUrl }))
  const ports = portsOf({ config, host, redis, log })
  own(ports.live)
  return app(ports)
})
