import type { Recorder } from '@santaclaude/audit/recorder'
import type { Emit } from '@santaclaude/log/emit'
import type { EventLog } from '@santaclaude/log/port'
import type { Host } from '@santaclaude/service/host'
import type { Idempotency } from '@santaclaude/service/idempotency'
import type { Keys } from '@santaclaude/service/keys'
import type { Tickets } from '@santaclaude/service/tickets'
import type { Agenda } from './agenda/port.ts'
import type { PublishLedger } from './events/publish-ledger.ts'
import type { Meters } from './meters.ts'
import type { Governor } from './quotas/governor.ts'
import type { Registry } from './schemas/registry.ts'
import type { HookPorts } from './webhooks/hooks.ts'

/** What the service's verbs work with. */
export interface QueuePorts {
  log: EventLog
  audit: Recorder
  ledger: PublishLedger
  emit: Emit
  meters: Meters
  redrives: Agenda
  schedules: Agenda
  quotas: Governor
  schemas: Registry
  /** Told what went wrong beside an act that itself succeeded. */
  warn(message: string, error: unknown): void
}

export interface Ports extends QueuePorts, HookPorts {
  host: Host
  keys: Keys
  idempotency: Idempotency
  tickets: Tickets
}
