import type { Recorder } from '@santaclaude/audit/recorder'
import type { Clock } from '@santaclaude/kit/clock'
import type { EventLog } from '@santaclaude/log/port'
import type { Host } from '@santaclaude/service/host'
import type { Idempotency } from '@santaclaude/service/idempotency'
import type { Keys } from '@santaclaude/service/keys'
import type { Meters } from './meters.ts'
import type { Peer } from './peers/peer.ts'
import type { Watch } from './status/watch.ts'

/** Everything the app stands on. */
export interface Ports {
  host: Host
  clock: Clock
  keys: Keys
  idempotency: Idempotency
  audit: Recorder
  log: Pick<EventLog, 'append' | 'topics' | 'size' | 'groups' | 'lag'>
  peers: readonly Peer[]
  /** What `/ready` asks, by name. */
  ready: Record<string, () => Promise<unknown>>
  watch: Watch
  /** Live status streams served at once. */
  streamsMax: number
  meters: Meters
}
