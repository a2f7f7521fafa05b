import { type MemoryRecorder, memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { systemClock } from '@santaclaude/kit/clock'
import { Semaphore } from '@santaclaude/kit/semaphore'
import type { Emission } from '@santaclaude/log/emit'
import { type Host, quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { testKey } from '@santaclaude/testkit/test-key'
import { app } from './app.ts'
import { aiMetrics } from './metrics.ts'
import { Catalogue } from './models/catalogue.ts'
import type { Ports } from './ports.ts'
import { anthropic } from './providers/anthropic.ts'
import { Health } from './providers/health.ts'
import { offline } from './providers/offline/offline.ts'
import { openai } from './providers/openai.ts'
import type { Patience } from './providers/upstream.ts'
import { LiveTurns } from './sessions/live.ts'
import { sessionsInMemory } from './sessions/store/memory.ts'

export interface TestHouse {
  fetch(path: string, init?: RequestInit & { key?: string; json?: unknown }): Promise<Response>
  handler: (request: Request) => Response | Promise<Response>
  key: string
  newKey(scopes: Scope[], tenant?: string): Promise<string>
  audit: MemoryRecorder
  events: Emission[]
  ports: Ports
  host: Host
}

/** The whole app on memory adapters. With an upstream both vendors have a key and live there; without, nobody has. */
export async function testHouse({
  upstream,
  patience = { firstTokenMs: 5_000, idleMs: 5_000 },
  ...change
}: { upstream?: string; patience?: Patience } & Partial<Ports> = {}): Promise<TestHouse> {
  const keys = keysInMemory()
  const host = quietHost('ai-service')
  const audit = memoryRecorder({ source: '/ai-service' })
  const events: Emission[] = []
  const secret = () => (upstream ? 'sk-upstream-key' : undefined)
  const base = upstream ?? 'http://127.0.0.1:9'
  const sessionLimits = { ttlSeconds: 600, sessionsMax: 50, messagesMax: 40, bytesMax: 1_000_000 }
  const store = sessionsInMemory(sessionLimits)
  const ports: Ports = {
    house: {
      keys,
      idempotency: idempotencyInMemory(),
      ready: { redis: async () => {} },
      host,
      bodyBytesMax: 16_777_216,
    },
    catalogue: new Catalogue({
      providers: [
        openai({ key: secret, baseUrl: `${base}/v1`, needsKey: true, patience }),
        anthropic({ key: secret, baseUrl: base, patience }),
        offline(),
      ],
    }),
    audit,
    emit: async (emission) => {
      events.push(emission)
      return 'id'
    },
    metrics: aiMetrics(host.metrics),
    health: new Health(systemClock),
    log: host.log,
    slots: new Semaphore(100, 0),
    callMs: 10_000,
    drain: host.drain,
    clock: systemClock,
    sessions: store,
    sessionLimits,
    live: new LiveTurns(store),
    ...change,
  }
  const service = app(ports)
  const key = await testKey(keys, ['ai:invoke'])
  const handler = (request: Request) => service.fetch(request)
  return {
    handler,
    key,
    audit,
    events,
    ports,
    host,
    newKey: (scopes, tenant) => testKey(keys, scopes, tenant),
    fetch: async (path, { key: other, json, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (other !== '') headers.set('authorization', `Bearer ${other ?? key}`)
      if (json !== undefined) headers.set('content-type', 'application/json')
      const body = json === undefined ? init.body : JSON.stringify(json)
      const method = init.method ?? (body === undefined ? 'GET' : 'POST')
      return handler(
        new Request(`http://localhost${path}`, { ...init, method, headers, ...(body !== undefined && { body }) }),
      )
    },
  }
}
