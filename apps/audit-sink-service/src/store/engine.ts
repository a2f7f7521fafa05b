import type { ClickHouseClient } from '@clickhouse/client'

/**
 * An open ClickHouse, whichever kind. Writing and reading have clients of their own: a slow query must not hold up the
 * writer. Settings go into the SQL text of each statement, never into a client: the embedded engine would keep them for
 * every later statement of that client.
 */
export interface Engine {
  /** For logs and the status page. */
  name: 'embedded' | 'server'
  /**
   * Who writes through it, for the lease on a partition. The same again in a later process only when no two processes
   * can have the engine open at once: then the later one need not wait until the lease of the dead one expires.
   */
  writerId: string
  writer: ClickHouseClient
  /** A client that runs one query at a time is listed once for each query that may run at a time. */
  readers: ClickHouseClient[]
  close(): Promise<void>
}

/** The engine could not be opened; the message says what to do. */
export class EngineError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'EngineError'
  }
}
