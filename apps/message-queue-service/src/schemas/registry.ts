import type { EventLog, NewEvent } from '@santaclaude/log/port'
import { type Check, compileSchema } from './compile.ts'
import type { SchemaStore } from './store/port.ts'

/** How long a replica may go on with a version after another one has taken a new one. */
const staleMs = 2_000
const cachedMax = 1_000

/** An event whose data does not fit. `index`: its place among those that were looked at. */
export interface Violation {
  index: number
  type: string
  version: number
  /** A JSON pointer into the event, such as `/data/order`. */
  path: string
  message: string
}

interface Known {
  /** 0 = the type has no schema. */
  version: number
  check?: Check
  atMs: number
  isLooking: boolean
}

export interface RegistryPorts {
  store: SchemaStore
  log: Pick<EventLog, 'topic'>
  /** Told of what does not fit, whether or not it is refused. */
  onViolation?: (about: { tenant: string; topic: string; violation: Violation; isRefused: boolean }) => void
  nowMs?: () => number
}

/**
 * Checks events against the schemas of their types. Each version is compiled once; which one holds is looked up every
 * 2 s in the background, so a publish waits for the store only the first time it meets a type.
 */
export class Registry {
  readonly store: SchemaStore
  private readonly known = new Map<string, Known>()
  private readonly nowMs: () => number

  constructor(private readonly ports: RegistryPorts) {
    this.store = ports.store
    this.nowMs = ports.nowMs ?? (() => performance.now())
  }

  /** The events that a topic refuses: those that do not fit, where its `schema` is `enforce`. A type without a schema always fits. */
  async refused(address: { tenant: string; topic: string }, events: NewEvent[]): Promise<Violation[]> {
    const mode = (await this.ports.log.topic(address))?.schema ?? 'off'
    if (mode === 'off') return []
    const violations: Violation[] = []
    for (const [index, event] of events.entries()) {
      const found = await this.look(address.tenant, event)
      if (found) violations.push({ index, ...found })
    }
    const isRefused = mode === 'enforce'
    for (const violation of violations) this.ports.onViolation?.({ ...address, violation, isRefused })
    return isRefused ? violations : []
  }

  /** Forgets what is known of a type, after it was changed here. */
  forget(tenant: string, type: string) {
    this.known.delete(`${tenant}/${type}`)
  }

  private async look(tenant: string, event: NewEvent): Promise<Omit<Violation, 'index'> | undefined> {
    const { type } = event
    const { check, version } = await this.current(tenant, type)
    if (!check) return undefined
    if (event.attributes?.data_base64 !== undefined)
      return { type, version, path: '/data_base64', message: 'has a schema, so its data must be JSON' }
    const misfit = check(event.dataJson === undefined ? null : JSON.parse(event.dataJson))
    return misfit && { type, version, path: `/data${misfit.path}`, message: misfit.message }
  }

  private async current(tenant: string, type: string): Promise<Known> {
    const id = `${tenant}/${type}`
    const known = this.known.get(id)
    if (!known) return this.fetch(id, { tenant, type })
    if (this.nowMs() - known.atMs >= staleMs && !known.isLooking) {
      known.isLooking = true
      // While the store is away the version that is known goes on holding.
      this.fetch(id, { tenant, type, known }).catch(() => {
        known.isLooking = false
      })
    }
    return known
  }

  private async fetch(id: string, { tenant, type, known }: { tenant: string; type: string; known?: Known }) {
    const version = (await this.store.find(tenant, type))?.latest ?? 0
    const fresh: Known = { version, atMs: this.nowMs(), isLooking: false }
    if (known?.version === version && known.check) fresh.check = known.check
    else if (version > 0) {
      const schema = await this.store.version(tenant, type, version)
      if (schema !== undefined) fresh.check = await compileSchema(schema)
    }
    const oldest = this.known.size >= cachedMax ? this.known.keys().next().value : undefined
    if (oldest !== undefined) this.known.delete(oldest)
    this.known.set(id, fresh)
    return fresh
  }
}
