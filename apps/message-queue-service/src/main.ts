import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config } from './config.ts'
import { openPorts } from './opening.ts'
import { startPromoting } from './upkeep/promoting.ts'
import { startUpkeep } from './upkeep/upkeep.ts'

await run(about, Config, (running) => {
  const ports = openPorts(running)
  running.own(startUpkeep(ports, { everyMs: running.config.upkeepEveryMs }))
  running.own(startPromoting(ports))
  return app(ports)
})
