import type { EventLog } from '@santaclaude/log/port'
import type { Host } from '@santaclaude/service/host'
import type { Idempotency } from '@santaclaude/service/idempotency'
import type { Keys } from '@santaclaude/service/keys'
import type { Archive, AuditStore } from './store/port.ts'

/** Everything the app stands on. */
export interface Ports {
  host: Host
  keys: Keys
  idempotency: Idempotency
  log: Pick<EventLog, 'append' | 'ping'>
  store: Archive & Pick<AuditStore, 'ping'>
}
