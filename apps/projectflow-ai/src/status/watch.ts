import type { Clock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import type { Peer } from '../peers/peer.ts'
import { type Probe, probe } from '../peers/probe.ts'
import { ownReadiness } from './own-readiness.ts'

export type ServiceName = 'projectflow-ai' | Peer['name']

/** The probes of one service, oldest first; never more than the watch was told to keep. */
export interface Watched {
  name: ServiceName
  probes: readonly Probe[]
}

export interface WatchOptions {
  peers: readonly Peer[]
  /** The checks of this service's own `/ready`. */
  ready: Record<string, () => Promise<unknown>>
  clock: Clock
  /** Time between two rounds of probes; at most a second while something is not ready, as that is when people look. */
  everyMs: number
  /** How long one probe may take. */
  deadlineMs: number
  /** Probes kept for each service. */
  historyMax: number
  /** Told of every probe, for the metrics. */
  onProbe?: (name: ServiceName, probe: Probe) => void
}

const unwellEveryMs = 1_000

/**
 * Keeps an eye on the five services. A view is never older than the time between two rounds, whether or not it was started:
 * whoever looks first causes the round, whoever looks meanwhile shares it.
 */
export class Watch {
  private readonly history = new Map<ServiceName, Probe[]>()
  private round: Promise<void> | undefined
  private lastRoundMs = Number.NEGATIVE_INFINITY
  private readonly stop = new AbortController()
  private rounds: Promise<void> | undefined

  constructor(private readonly options: WatchOptions) {
    this.history.set('projectflow-ai', [])
    for (const { name } of options.peers) this.history.set(name, [])
  }

  /** Probes a full history holds. */
  get historyMax() {
    return this.options.historyMax
  }

  /** The five services with at least one probe each. */
  async view(): Promise<Watched[]> {
    if (this.options.clock.now() - this.lastRoundMs >= this.everyMs) await this.look()
    return [...this.history].map(([name, probes]) => ({ name, probes: [...probes] }))
  }

  private get everyMs() {
    const areReady = [...this.history.values()].every((probes) => probes.at(-1)?.state === 'ready')
    return areReady ? this.options.everyMs : Math.min(unwellEveryMs, this.options.everyMs)
  }

  /** Probes all services now, or joins the round already under way. */
  look(): Promise<void> {
    this.round ??= this.probeAll().finally(() => {
      this.round = undefined
    })
    return this.round
  }

  /** Makes rounds until it is closed, so that the history has no holes while nobody looks. */
  start(): this {
    this.rounds ??= (async () => {
      while (!this.stop.signal.aborted) {
        await this.look()
        await pause(this.everyMs, this.stop.signal)
      }
    })()
    return this
  }

  async close() {
    this.stop.abort()
    await this.rounds
  }

  private async probeAll() {
    const { peers, clock, deadlineMs } = this.options
    await Promise.all([
      this.lookInward(),
      ...peers.map(async (peer) => this.keep(peer.name, await probe({ clock }, { peer, deadlineMs }))),
    ])
    this.lastRoundMs = clock.now()
  }

  private async lookInward() {
    const { ready, clock, deadlineMs } = this.options
    const atMs = clock.now()
    const started = performance.now()
    const found = await ownReadiness(ready, deadlineMs)
    this.keep('projectflow-ai', { atMs, tookMs: Math.round((performance.now() - started) * 10) / 10, ...found })
  }

  private keep(name: ServiceName, found: Probe) {
    const probes = this.history.get(name) ?? []
    probes.push(found)
    if (probes.length > this.options.historyMax) probes.shift()
    this.history.set(name, probes)
    this.options.onProbe?.(name, found)
  }
}
