import { recorder } from '@santaclaude/audit/recorder'
import { systemClock } from '@santaclaude/kit/clock'
import { Semaphore } from '@santaclaude/kit/semaphore'
import { emitter } from '@santaclaude/log/emit'
import type { EventLog } from '@santaclaude/log/port'
import type { ChassisOptions } from '@santaclaude/service/chassis'
import type { Configured } from '@santaclaude/service/config'
import type { Host } from '@santaclaude/service/host'
import { idempotencyInRedis } from '@santaclaude/service/idempotency-redis'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { Config } from './config.ts'
import { aiMetrics } from './metrics.ts'
import { Catalogue } from './models/catalogue.ts'
import { anthropic } from './providers/anthropic.ts'
import { Health } from './providers/health.ts'
import { keyFrom } from './providers/key-file.ts'
import { offline } from './providers/offline/offline.ts'
import { openai } from './providers/openai.ts'
import type { TurnPorts } from './sessions/chat.ts'
import { LiveTurns } from './sessions/live.ts'
import { sessionsInRedis } from './sessions/store/redis.ts'

/** Everything the app stands on. */
export interface Ports extends TurnPorts {
  house: Pick<ChassisOptions, 'keys' | 'idempotency' | 'ready' | 'host' | 'bodyBytesMax'>
}

type Redis = Parameters<typeof keysInRedis>[0]

export interface Opened {
  config: Configured<typeof Config>
  host: Host
  redis: Redis
  log: EventLog
}

/** The ports on what `main.ts` has opened. */
export function portsOf({ config, host, redis, log }: Opened): Ports {
  const metrics = aiMetrics(host.metrics)
  const source = '/ai-service'
  const sessionLimits = {
    ttlSeconds: config.sessionTtlSeconds,
    sessionsMax: config.sessionsMax,
    messagesMax: config.sessionMessagesMax,
    bytesMax: config.sessionBytesMax,
  }
  const sessions = sessionsInRedis(redis, sessionLimits)
  return {
    house: {
      keys: keysInRedis(redis),
      idempotency: idempotencyInRedis(redis),
      ready: { redis: () => redis.ping() },
      host,
      bodyBytesMax: config.bodyBytesMax,
    },
    catalogue: catalogueOf(config),
    audit: recorder({
      log,
      source,
      policy: config.auditPolicy,
      onMiss: (error, { action }) => {
        metrics.auditMisses.inc()
        host.log.error('audit record not appended', { action, error })
      },
    }),
    emit: emitter(log, source),
    metrics,
    health: new Health(systemClock),
    log: host.log,
    slots: new Semaphore(config.callsMax, 0),
    callMs: config.callMs,
    drain: host.drain,
    clock: systemClock,
    sessions,
    sessionLimits,
    live: new LiveTurns(sessions),
  }
}

/** The providers in the order in which they answer calls that name no model. */
function catalogueOf(config: Configured<typeof Config>): Catalogue {
  const patience = { firstTokenMs: config.firstTokenMs, idleMs: config.idleMs }
  const { openaiKey, openaiKeyFile, openaiBaseUrl, anthropicKey, anthropicKeyFile, anthropicBaseUrl } = config
  const needsKey = openaiBaseUrl === Config.openaiBaseUrl.fallback
  return new Catalogue({
    defaultModel: config.defaultModel,
    providers: [
      openai({
        key: keyFrom({ value: openaiKey?.reveal(), file: openaiKeyFile }),
        baseUrl: openaiBaseUrl,
        needsKey,
        patience,
      }),
      anthropic({
        key: keyFrom({ value: anthropicKey?.reveal(), file: anthropicKeyFile }),
        baseUrl: anthropicBaseUrl,
        patience,
      }),
      offline({ tokenMs: config.offlineTokenMs }),
    ],
  })
}
