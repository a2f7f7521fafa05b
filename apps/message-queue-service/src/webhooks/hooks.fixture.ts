import { type MemoryRecorder, memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { systemClock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import { uuidv7 } from '@santaclaude/kit/ids'
import { emitter } from '@santaclaude/log/emit'
import { memoryLog } from '@santaclaude/log/memory'
import type { EventLog, NewEvent } from '@santaclaude/log/port'
import { type Metrics, metricsOf } from '@santaclaude/service/metrics'
import { sealer } from '@santaclaude/service/sealing'
import { metersOf } from '../meters.ts'
import { putGroupFor } from './group.ts'
import type { HookPolicy, HookPorts, Hooks } from './hooks.ts'
import { keyring } from './keyring.ts'
import { hookMetersOf } from './meters.ts'
import { type Pumps, type PumpsOptions, startPumps } from './pump/pumps.ts'
import { MemorySender } from './sender/memory.ts'
import type { Sender } from './sender/port.ts'
import { hookStoreInMemory } from './store/memory.ts'
import type { HookStore, Subscription } from './store/port.ts'
import { subscription } from './store/subscription.fixture.ts'

export const testPolicy: HookPolicy = {
  allowPrivate: true,
  subscriptionsMax: 100,
  attemptsKept: 100,
  rotationMs: 86_400_000,
  keepDisabledMs: 86_400_000,
  inFlightMax: 256,
  circuit: { failuresMax: 5, baseMs: 40, capMs: 200 },
}

export interface HookHouseOptions {
  log?: EventLog
  store?: HookStore
  sender?: Sender
  policy?: Partial<HookPolicy>
}

export interface HookHouse extends Omit<HookPorts, 'nudge'> {
  audit: MemoryRecorder
  /** The sender when none was given. */
  endpoints: MemorySender['endpoints']
  warnings: unknown[]
  metricsText(): Promise<string>
}

/** Webhooks in memory unless said, with endpoints in memory too. */
export function hooksInMemory(
  metrics: Metrics,
  { store = hookStoreInMemory(), sender = new MemorySender(), policy }: Omit<HookHouseOptions, 'log'> = {},
): Hooks {
  return {
    store,
    sender,
    keyring: keyring(sealer('pepper', 'test')),
    meters: hookMetersOf(metrics),
    policy: { ...testPolicy, ...policy },
    clock: systemClock,
    version: '0.0.0',
  }
}

/** What webhooks stand on, in memory unless said. */
export function hookHouse({ log = memoryLog(), ...options }: HookHouseOptions = {}): HookHouse {
  const metrics = metricsOf('message-queue-service')
  const memory = new MemorySender()
  const warnings: unknown[] = []
  return {
    log,
    audit: memoryRecorder({ source: '/message-queue-service' }),
    emit: emitter(log, '/message-queue-service'),
    meters: metersOf(metrics),
    warn: (message, error) => warnings.push([message, error]),
    warnings,
    endpoints: memory.endpoints,
    metricsText: () => metrics.text(),
    hooks: hooksInMemory(metrics, { sender: memory, ...options }),
  }
}

/** Pumps that look often, so tests wait for little. */
export const quickPumps = (ports: Omit<HookPorts, 'nudge'>, options: PumpsOptions = {}): Pumps =>
  startPumps(ports, { everyMs: 10, holdMs: 2_000, ...options })

/** A topic with one subscription to it, whose keys are real and whose group is there. */
export async function subscribed(
  ports: HookHouse,
  more: Partial<Subscription> = {},
): Promise<{ made: Subscription; secret: string }> {
  const id = more.id ?? uuidv7()
  const { secret, ...keys } = ports.hooks.keyring.first(id)
  const made = subscription({
    id,
    group: `hook-${id}`,
    url: `https://endpoint.test/${id}`,
    retryMs: [0],
    ...keys,
    ...more,
  })
  await ports.log.createTopic(made)
  await ports.hooks.store.subscriptions.create(made, 100)
  await putGroupFor(ports, made)
  return { made, secret }
}

export const newEvent = (n: number, more: Partial<NewEvent> = {}): NewEvent => ({
  id: `e${n}`,
  source: '/test',
  type: 'order.placed',
  dataJson: JSON.stringify({ n }),
  ...more,
})

/** Asks again until the answer is there. */
export async function until<Result>(look: () => Promise<Result | undefined | false> | Result | undefined | false) {
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found as Result
    await pause(5)
  }
}
