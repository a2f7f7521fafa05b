import { memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { ManualClock } from '@santaclaude/kit/clock'
import { structuredEvent } from '@santaclaude/log/event'
import { memoryLog } from '@santaclaude/log/memory'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Keys, Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { testKey } from '@santaclaude/testkit/test-key'
import { app } from './app.ts'
import { metersOf } from './meters.ts'
import type { Peer } from './peers/peer.ts'
import { Watch } from './status/watch.ts'

interface HouseOptions {
  peers?: readonly Peer[]
  /** Given when other services shall know the same keys. */
  keys?: Keys
  streamsMax?: number
}

/** The whole app on adapters that keep everything in memory, for tests. */
export function house({ peers = [], keys = keysInMemory(), streamsMax = 2 }: HouseOptions = {}) {
  const host = quietHost('projectflow-ai')
  const clock = new ManualClock(Date.now())
  const audit = memoryRecorder({ source: '/projectflow-ai' })
  const ready = { redis: async () => {} }
  const log = memoryLog({ clock })
  const meters = metersOf(host.metrics)
  const watch = new Watch({
    peers,
    clock,
    ready,
    everyMs: 5_000,
    deadlineMs: 1_000,
    historyMax: 60,
    onProbe: meters.onProbe,
  })
  const door = app({
    host,
    clock,
    keys,
    idempotency: idempotencyInMemory(),
    audit,
    log,
    peers,
    ready,
    watch,
    streamsMax,
    meters,
  })
  const request = (method: string, path: string, options: RequestOptions = {}) =>
    door.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      }),
    )
  return {
    app: door,
    audit,
    clock,
    log,
    host,
    keys,
    watch,
    request,
    /** What a tenant was told on the topic `projectflow`, as CloudEvents. */
    heard: async (tenant = 'acme'): Promise<Record<string, unknown>[]> => {
      const { entries } = await log.read({ tenant, topic: 'projectflow' }, { from: { at: 'earliest' }, limit: 1_000 })
      return entries.map(({ event }) => JSON.parse(structuredEvent(event)))
    },
    /** The text of a new key, as if it had been issued before. */
    keyWith: (scopes: Scope[], tenant?: string) => testKey(keys, scopes, tenant),
  }
}

interface RequestOptions {
  key?: string
  body?: unknown
  headers?: Record<string, string>
}

export type House = ReturnType<typeof house>

/** What the contract suite asks of every app's fixture. */
export async function testHouse() {
  const { app, keyWith } = house()
  return { handler: (request: Request) => app.fetch(request), newKey: keyWith }
}
