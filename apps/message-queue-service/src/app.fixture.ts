import { memoryRecorder } from '@santaclaude/audit/recorder-memory'
import { emitter } from '@santaclaude/log/emit'
import { memoryLog } from '@santaclaude/log/memory'
import type { EventLog } from '@santaclaude/log/port'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { ticketsInMemory } from '@santaclaude/service/tickets-memory'
import { testKey } from '@santaclaude/testkit/test-key'
import { agendaInMemory } from './agenda/memory.ts'
import type { Agenda } from './agenda/port.ts'
import { app } from './app.ts'
import { PublishLedger } from './events/publish-ledger.ts'
import { metersOf } from './meters.ts'
import { Governor } from './quotas/governor.ts'
import { quotasInMemory } from './quotas/store/memory.ts'
import type { Limits } from './quotas/store/port.ts'
import { Registry } from './schemas/registry.ts'
import { schemasInMemory } from './schemas/store/memory.ts'
import type { SchemaStore } from './schemas/store/port.ts'
import { tellingViolations } from './schemas/violations.ts'
import { hooksInMemory } from './webhooks/hooks.fixture.ts'
import type { HookPolicy } from './webhooks/hooks.ts'

const noLimits: Limits = {
  ...{ eventsPerSecond: null, requestsPerSecond: null, storedEvents: null },
  ...{ topics: null, groupsPerTopic: null, streams: null },
}

const everyScope: Scope[] = ['events:publish', 'events:consume', 'events:admin']

interface StartOptions {
  log?: EventLog
  redrives?: Agenda
  schedules?: Agenda
  limits?: Partial<Limits>
  schemaStore?: SchemaStore
  policy?: Partial<HookPolicy>
}

/** The app on this log (in memory unless said), and a way to send to it as a tenant of its own. */
export async function startApp({
  log = memoryLog(),
  redrives = agendaInMemory(),
  schedules = agendaInMemory(),
  limits = {},
  schemaStore = schemasInMemory(),
  policy = {},
}: StartOptions = {}) {
  const keys = keysInMemory()
  const audit = memoryRecorder({ source: '/message-queue-service' })
  const host = quietHost('message-queue-service')
  const warnings: unknown[] = []
  const telling = {
    ...{ emit: emitter(log, '/message-queue-service'), meters: metersOf(host.metrics) },
    warn: (message: string, error: unknown) => warnings.push([message, error]),
  }
  const ports = {
    ...telling,
    ledger: new PublishLedger(audit),
    ...{ host, log, audit, keys, idempotency: idempotencyInMemory(), tickets: ticketsInMemory() },
    ...{ redrives, schedules },
    quotas: new Governor({ store: quotasInMemory(), log, defaults: { ...noLimits, ...limits } }),
    schemas: new Registry({ store: schemaStore, log, onViolation: tellingViolations(telling) }),
    hooks: hooksInMemory(host.metrics, { policy }),
    nudge: () => {},
  }
  const built = app(ports)
  const { fetch } = built
  const keyOf = (scopes = everyScope, tenant = 'acme') => testKey(keys, scopes, tenant)
  const key = await keyOf()

  /** A request with a JSON body, or with a body of its own. */
  async function send(
    method: string,
    path: string,
    given: { body?: unknown; headers?: HeadersInit; key?: string } = {},
  ) {
    const headers = new Headers(given.headers)
    headers.set('authorization', `Bearer ${given.key ?? key}`)
    const isRaw = typeof given.body === 'string' || given.body instanceof Uint8Array
    if (given.body !== undefined && !isRaw) headers.set('content-type', 'application/json')
    const body = given.body === undefined ? {} : { body: isRaw ? (given.body as string) : JSON.stringify(given.body) }
    return fetch(new Request(`http://localhost${path}`, { method, headers, ...body }))
  }

  /** The status and the parsed body. */
  async function ask(method: string, path: string, given: Parameters<typeof send>[2] = {}) {
    const response = await send(method, path, given)
    const text = await response.text()
    // biome-ignore lint/suspicious/noExplicitAny: tests say by their expectations what an answer holds.
    return { status: response.status, text, body: (text === '' ? undefined : JSON.parse(text)) as any }
  }
  return { ...ports, app: built, fetch, keyOf, key, send, ask, warnings }
}

/** The whole app in memory, as the contract suite meets it. */
export async function testHouse() {
  const { fetch, keyOf } = await startApp()
  return { handler: fetch, newKey: (scopes: Scope[], tenant?: string) => keyOf(scopes, tenant) }
}
