import { clickhouseStore } from './clickhouse.ts'
import { openEmbedded } from './embedded.ts'
import { EngineError } from './engine.ts'
import type { AuditStore } from './port.ts'
import { openServer } from './server.ts'

export interface StoreSettings {
  /** `chdb:<folder>`, or the URL of a server. */
  clickhouseUrl: string
  /** Whether the service runs more than once. */
  isReplicated: boolean
  queryMs: number
  insertMs: number
}

/** Opens the store the settings name. Throws `EngineError` with what to do when the embedded engine cannot serve. */
export async function openStore({
  clickhouseUrl,
  isReplicated,
  queryMs,
  insertMs,
}: StoreSettings): Promise<AuditStore> {
  const limits = { database: 'audit', queryMs, insertMs }
  const embedded = 'chdb:'
  if (!clickhouseUrl.startsWith(embedded))
    return clickhouseStore(openServer(clickhouseUrl, { requestMs: Math.max(queryMs, insertMs) * 2 }), limits)
  if (isReplicated)
    throw new EngineError(
      'REPLICATED=true and CLICKHOUSE_URL=chdb:… exclude each other: the embedded engine lives in one process, so replicas would each keep a part of the records. Set CLICKHOUSE_URL=http://… to a ClickHouse server.',
    )
  return clickhouseStore(await openEmbedded(clickhouseUrl.slice(embedded.length)), limits)
}
