import { hostname } from 'node:os'
import { recorder } from '@santaclaude/audit/recorder'
import { systemClock } from '@santaclaude/kit/clock'
import { emitter } from '@santaclaude/log/emit'
import type { EventLog } from '@santaclaude/log/port'
import type { openRedis } from '@santaclaude/redis/open'
import type { Configured } from '@santaclaude/service/config'
import type { Host } from '@santaclaude/service/host'
import type { Config } from './config.ts'
import { directoryInRedis } from './directory/redis.ts'
import { playwrightDriver } from './driver/playwright.ts'
import { resolverRules } from './egress/rules.ts'
import { openEngine } from './engine.ts'
import type { Journal } from './journal.ts'
import { countersOf, gaugePool } from './metrics.ts'
import { Pool } from './pool/pool.ts'
import type { Ports } from './ports.ts'
import { sandboxed } from './sandbox.ts'
import { recordEnd, recordPopup } from './sessions/happenings.ts'
import { keepListed } from './sessions/listing.ts'

const source = '/browser-pool-service'

interface Ground {
  config: Configured<typeof Config>
  host: Host
  redis: ReturnType<typeof openRedis>
  log: EventLog
  scratchDir: string
}

type Opened = Omit<Ports, 'keys' | 'idempotency' | 'host'> & { close(): Promise<void> }

/** The pool on real Chromium with all that watches it. Starts no browser: the first session does. */
export function openBrowsers({ config, host, redis, log, scratchDir }: Ground): Opened {
  const egress = { allowPrivate: config.allowPrivate }
  const replica = config.replica ?? hostname()
  const engine = openEngine(config, host.log)
  const isSandboxed = sandboxed(config.sandbox, { uid: process.getuid?.(), log: host.log })
  const directory = directoryInRedis(redis)
  const counters = countersOf(host.metrics)
  const journal: Journal = {
    recorder: recorder({
      log,
      source,
      policy: config.auditPolicy,
      onMiss: (error) => {
        counters.auditMissed()
        host.log.warn('an audit record was missed', { error })
      },
    }),
    emit: emitter(log, source),
    onEventMissed: (error) => {
      counters.eventMissed()
      host.log.warn('an event was missed', { error })
    },
  }
  const pool = new Pool({
    driver: playwrightDriver(async () => {
      const { path, env } = await engine.find()
      return { path, env, isSandboxed, scratchDir, resolverRules: resolverRules(egress) }
    }),
    clock: systemClock,
    settings: { ...config, closeDeadlineMs: 2_000 },
    events: {
      onSessionEnded: (session, reason, by) => {
        counters.sessionEnded(reason)
        recordEnd({ journal, directory, now: systemClock.now }, session, { reason, by })
      },
      onPopup: (session, page) => recordPopup({ journal }, session, page),
      onBrowserGone: (end) => {
        counters.browserGone(end)
        if (end !== 'closed') host.log.warn('a browser is gone', { end })
      },
      onLaunchFailed: (error) => {
        counters.launchFailed()
        host.log.error('a browser did not start', { error, isSandboxed })
      },
    },
  }).watch()
  gaugePool(host.metrics, pool)
  const listed = keepListed({ pool, directory, replica })
  const chromium = async () => {
    await engine.find()
    if (pool.launchError !== undefined) throw pool.launchError
  }
  return {
    ...{ pool, journal, directory, egress, replica, isSandboxed },
    engine: engine.said,
    ready: { redis: () => Promise.all([redis.ping(), log.ping()]), chromium },
    close: async () => {
      listed.close()
      await pool.close()
    },
  }
}
