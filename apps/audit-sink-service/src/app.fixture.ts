import { memoryLog } from '@santaclaude/log/memory'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Scope } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { testKey } from '@santaclaude/testkit/test-key'
import { app } from './app.ts'
import { memoryLeases } from './lease/memory.ts'
import { metersOf } from './meters.ts'
import { memoryStore } from './store/memory.ts'
import { startWriter } from './writer/writer.ts'

/** The whole app on memory adapters, its writer running until `close`. */
export async function testHouse() {
  const keys = keysInMemory()
  const host = quietHost('audit-sink-service')
  const log = memoryLog()
  const store = memoryStore()
  const writer = startWriter({ log, ledger: store, leases: memoryLeases(), watch: metersOf(host) })
  const service = app({ host, keys, idempotency: idempotencyInMemory(), log, store })
  return {
    handler: (request: Request): Response | Promise<Response> => service.fetch(request),
    newKey: (scopes: Scope[], tenant?: string) => testKey(keys, scopes, tenant),
    log,
    store,
    close: () => writer.close(),
  }
}
