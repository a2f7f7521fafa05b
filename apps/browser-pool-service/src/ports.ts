import type { ChassisOptions } from '@santaclaude/service/chassis'
import type { Directory } from './directory/port.ts'
import type { EgressPolicy } from './egress/address.ts'
import type { Journal } from './journal.ts'
import type { Pool } from './pool/pool.ts'

/** What the rooms of this service stand on. */
export interface Ports extends Pick<ChassisOptions, 'keys' | 'idempotency' | 'ready' | 'host'> {
  pool: Pool
  journal: Journal
  directory: Directory
  egress: EgressPolicy
  /** The name of this replica in the directory. */
  replica: string
  /** Which Chromium there is, for people. */
  engine: () => string
  isSandboxed: boolean
}
