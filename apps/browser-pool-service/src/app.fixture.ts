import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MemoryRecorder, memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { systemClock } from '@santaclaude/kit/clock'
import type { Emission } from '@santaclaude/log/emit'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { testKey } from '@santaclaude/testkit/test-key'
import { app } from './app.ts'
import { directoryInMemory } from './directory/memory.ts'
import { memoryDriver } from './driver/memory.ts'
import { playwrightDriver } from './driver/playwright.ts'
import type { Driver } from './driver/port.ts'
import { resolverRules } from './egress/rules.ts'
import { Pool } from './pool/pool.ts'
import { defaultPoolSettings, type PoolSettings } from './pool/settings.ts'
import type { Ports } from './ports.ts'
import { recordEnd, recordPopup } from './sessions/happenings.ts'

export interface TestHouse {
  handler(request: Request): Response | Promise<Response>
  newKey(scopes: Scope[], tenant?: string): Promise<string>
  /** A key of tenant `acme` that may use browsers. */
  key: string
  /** One request; `json` is sent as the body, the method is POST then unless it is named. */
  fetch(path: string, init?: RequestInit & { key?: string; json?: unknown }): Promise<Response>
  ports: Ports
  recorder: MemoryRecorder
  events: Emission[]
  close(): Promise<void>
}

interface Wanted {
  driver?: Driver
  settings?: Partial<PoolSettings>
  allowPrivate?: boolean
}

/** The whole app on memory adapters; a driver of {@link chromiumForTests} makes its browsers real. */
export async function testHouse({ driver, settings, allowPrivate = true }: Wanted = {}): Promise<TestHouse> {
  const recorder = memoryRecorder({ source: '/browser-pool-service' })
  const events: Emission[] = []
  const journal = {
    recorder,
    emit: async (emission: Emission) => {
      events.push(emission)
      return 'id'
    },
    onEventMissed: () => {},
  }
  const directory = directoryInMemory()
  const pool = new Pool({
    driver: driver ?? memoryDriver(),
    clock: systemClock,
    settings: { ...defaultPoolSettings, ...settings },
    events: {
      onSessionEnded: (session, reason, by) =>
        recordEnd({ journal, directory, now: systemClock.now }, session, { reason, by }),
      onPopup: (session, page) => recordPopup({ journal }, session, page),
    },
  }).watch()
  const keys = keysInMemory()
  const ports: Ports = {
    ...{ pool, journal, directory, keys, egress: { allowPrivate }, idempotency: idempotencyInMemory() },
    ...{
      host: quietHost('browser-pool-service'),
      ready: {},
      replica: 'test',
      engine: () => 'test',
      isSandboxed: false,
    },
  }
  const service = app(ports)
  const key = await testKey(keys, ['browser:use'], 'acme')
  const handler = (request: Request) => service.fetch(request)
  return {
    ...{ handler, key, ports, recorder, events },
    newKey: (scopes, tenant = 'acme') => testKey(keys, scopes, tenant),
    fetch: async (path, { key: other = key, json, ...init } = {}) => {
      const headers = new Headers(init.headers)
      headers.set('authorization', `Bearer ${other}`)
      if (json !== undefined) headers.set('content-type', 'application/json')
      const body = json === undefined ? init.body : JSON.stringify(json)
      const method = init.method ?? (body === undefined ? 'GET' : 'POST')
      return handler(
        new Request(`http://localhost${path}`, { ...init, method, headers, ...(body !== undefined && { body }) }),
      )
    },
    close: () => pool.close(),
  }
}

/** A driver of the Chromium of this machine, with a scratch folder of its own. */
export function chromiumForTests({ allowPrivate = true } = {}): { driver: Driver; close(): void } {
  const scratchDir = mkdtempSync(join(tmpdir(), 'sc-browser-'))
  const driver = playwrightDriver(async () => {
    const { path, env } = await ensureChromium({ unpackDir: join(scratchDir, 'chromium') })
    const isSandboxed = process.getuid?.() !== 0
    return { path, env, isSandboxed, scratchDir, resolverRules: resolverRules({ allowPrivate }) }
  })
  return { driver, close: () => rmSync(scratchDir, { recursive: true, force: true }) }
}
