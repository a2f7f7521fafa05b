import type { Recorder } from '@santaclaude/audit/recorder'
import type { Clock } from '@santaclaude/kit/clock'
import type { Emit } from '@santaclaude/log/emit'
import type { Who } from '@santaclaude/service/exchange'
import type { Host } from '@santaclaude/service/host'
import type { Keys, Scope } from '@santaclaude/service/keys'

/** What the verbs of this room stand on. */
export interface KeyPorts {
  keys: Keys
  audit: Recorder
  emit: Emit
  /** Lends the pepper, the server's half of every hash. */
  host: Pick<Host, 'pepper'>
  clock: Clock
  /** Told when an event could not be emitted; the act itself stands, since its audit record does. */
  onUnheard: (cause: unknown) => void
}

/** Who asks, and what their own key holds. */
export interface Asker {
  who: Who
  scopes: ReadonlySet<Scope>
}
