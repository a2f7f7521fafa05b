import { systemClock } from '@santaclaude/kit/clock'
import type { Configured } from '@santaclaude/service/config'
import type { Host } from '@santaclaude/service/host'
import { sealer } from '@santaclaude/service/sealing'
import { circuitLimits } from './breaker.ts'
import type { Hooks } from './hooks.ts'
import { keyring } from './keyring.ts'
import { hookMetersOf } from './meters.ts'
import { httpSender } from './sender/http.ts'
import type { webhookSettings } from './settings.ts'
import { hookStoreInRedis } from './store/redis.ts'

export interface Opened {
  config: Configured<typeof webhookSettings>
  host: Host
  redis: Parameters<typeof hookStoreInRedis>[0]
}

/** Webhooks on Redis and the network. */
export function openHooks({ config, host, redis }: Opened): Hooks {
  const allowPrivate = config.webhookAllowPrivate
  return {
    store: hookStoreInRedis(redis),
    sender: httpSender({ allowPrivate }),
    keyring: keyring(sealer(host.pepper, 'santaclaude webhook keys')),
    meters: hookMetersOf(host.metrics),
    clock: systemClock,
    version: host.version,
    policy: {
      allowPrivate,
      subscriptionsMax: config.webhookSubscriptionsMax,
      attemptsKept: config.webhookAttemptsKept,
      rotationMs: config.webhookRotationMs,
      keepDisabledMs: config.webhookKeepDisabledMs,
      inFlightMax: config.webhookInFlightMax,
      circuit: circuitLimits,
    },
  }
}
