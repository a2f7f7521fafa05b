import { run } from '@santaclaude/service/run'
import about from '../package.json' with { type: 'json' }
import { app } from './app.ts'
import { Config } from './config.ts'
import { openPorts } from './opening.ts'
import { startPromoting } from './upkeep/promoting.ts'
import { startUpkeep } from './upkeep/upkeep.ts'
import { startPumps } from './webhooks/pump/pumps.ts'

await run(about, Config, (running) => {
  const ports = openPorts(running)
  running.own(startUpkeep(ports, { everyMs: running.config.upkeepEveryMs }))
  running.own(startPromoting(ports))
  const { nudge } = running.own(startPumps(ports))
  return app({ ...ports, nudge })
})
