import { type AuditEntry, type AuditRecord, auditRecord } from '@santaclaude/audit/record'
import { appendRecords, auditTopic } from '@santaclaude/audit/recorder'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { startChdbOverHttp } from '@santaclaude/testkit/chdb-over-http'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { testKey } from '@santaclaude/testkit/test-key'
import { app } from './app.ts'
import { redisLeases } from './lease/redis.ts'
import { metersOf } from './meters.ts'
import { clickhouseStore } from './store/clickhouse.ts'
import type { AuditStore } from './store/port.ts'
import { openServer } from './store/server.ts'
import { startWriter } from './writer/writer.ts'

/** The whole service on a real Redis and a real ClickHouse engine behind HTTP, for tests. Both can be killed and restarted. */
export async function realHouse() {
  const [redisServer, clickhouse] = await Promise.all([startRedis({ appendfsync: 'always' }), startChdbOverHttp()])
  const redis = openRedis(redisServer.url, { name: 'real-house' })
  const log = openLog({ redisUrl: redisServer.url })
  const openStore = () =>
    clickhouseStore(openServer(clickhouse.url, { requestMs: 5_000 }), {
      database: 'audit',
      queryMs: 5_000,
      insertMs: 5_000,
    })
  const store = openStore()
  const writers: { close(): Promise<void> }[] = []

  /** A replica of the app on the same log and store; its keys and kept answers are its own. */
  const replica = () => {
    const keys = keysInMemory()
    const door = app({ host: quietHost('audit-sink-service'), keys, idempotency: idempotencyInMemory(), log, store })
    return {
      keyWith: (scopes: Scope[], tenant?: string) => testKey(keys, scopes, tenant),
      request: (method: string, path: string, { key, body, headers }: RequestOptions = {}) =>
        door.handle(
          new Request(`http://localhost${path}`, {
            method,
            headers: {
              ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
              ...headers,
            },
            ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
          }),
        ),
    }
  }

  return {
    ...replica(),
    replica,
    redis,
    redisServer,
    clickhouse,
    log,
    store,
    openStore,
    /** Starts a writer as a replica of the service would, on ports of its own or these. */
    startWriter(
      ports: { log?: EventLog; store?: AuditStore; lifeMs?: number; host?: ReturnType<typeof quietHost> } = {},
    ) {
      const leases = redisLeases(redis, {
        prefix: 'trial:writer:',
        owner: crypto.randomUUID(),
        ...(ports.lifeMs ? { lifeMs: ports.lifeMs } : {}),
      })
      const watch = metersOf(ports.host ?? quietHost('audit-sink-service'))
      const writer = startWriter({ log: ports.log ?? log, ledger: ports.store ?? store, leases, watch })
      writers.push(writer)
      return writer
    },
    /** Appends records of a tenant as our services do, and answers them. */
    async append(tenant: string, count: number, entry: Partial<AuditEntry> = {}): Promise<AuditRecord[]> {
      const records = Array.from({ length: count }, (_, step) =>
        auditRecord({ ...trialEntry, tenant, data: { step }, ...entry }, { source: '/trial', nowMs: Date.now() }),
      )
      await appendRecords(
        log,
        records.map((record) => ({ record })),
      )
      return records
    },
    /** Appends an entry that is not a record, under a tenant's partition key. */
    appendPoison: (tenant: string, dataJson: string, id: string = crypto.randomUUID()) =>
      log.append(auditTopic, [{ id, source: '/trial', type: 'audit.record.made', partitionkey: tenant, dataJson }]),
    /** The ids of what is stored of a tenant, in append order. */
    async stored(tenant: string): Promise<string[]> {
      const found = await store.search({ tenant }, { order: 'oldest', limit: 100_000 })
      return found
        .sort((a, b) => a.position.logMs - b.position.logMs || a.position.logSeq - b.position.logSeq)
        .map(({ record }) => record.id)
    },
    async close() {
      for (const writer of writers) await writer.close()
      await store.close()
      await log.close()
      redis.disconnect()
      await redisServer.close()
      await clickhouse.close()
    },
  }
}

interface RequestOptions {
  key?: string
  /** Text as it is, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

export type House = Awaited<ReturnType<typeof realHouse>>

const trialEntry: AuditEntry = {
  tenant: 'acme',
  actor: { type: 'user', id: 'ada' },
  action: 'trial.step.taken',
  outcome: 'success',
  target: { type: 'trial', id: '1' },
}

/** Resolves when the check answers something truthy; the test's own time limit ends it otherwise. */
export async function until<T>(check: () => Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await check().catch(() => undefined)
    if (found) return found
    await Bun.sleep(25)
  }
}
