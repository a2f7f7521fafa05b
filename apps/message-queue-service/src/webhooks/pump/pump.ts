import type { GroupAddress, LogEntry, LogError } from '@santaclaude/log/port'
import { tell } from '../../tell.ts'
import { changed } from '../change-one.ts'
import { groupOf, putGroupFor, recoveryGroupOf } from '../group.ts'
import type { HookPorts } from '../hooks.ts'
import type { Fate } from '../schedule.ts'
import type { Condition, Subscription } from '../store/port.ts'
import { disableByItself } from './disable.ts'
import { Gate } from './gate.ts'
import { type Lane, runLane } from './lane.ts'
import type { Slots } from './slots.ts'

export interface PumpOptions {
  subscription: Subscription
  /** Of the duty this pump runs under. */
  fence: number
  condition: Condition | undefined
  slots: Slots
}

/** Delivers one subscription's events, for as long as this replica has the duty. */
export class Pump {
  private subscription: Subscription
  private readonly gate: Gate
  private readonly stopping = new AbortController()
  private readonly ending = new AbortController()
  private readonly lanes: Promise<void>[] = []
  private recovering: number | undefined
  private disabling: Promise<void> | undefined

  constructor(
    private readonly ports: HookPorts,
    private readonly options: PumpOptions,
  ) {
    const { subscription, condition } = options
    const { clock, policy } = ports.hooks
    this.subscription = subscription
    this.gate = new Gate({
      concurrency: subscription.concurrency,
      clock,
      limits: policy.circuit,
      // What was known before its tenant enabled it anew is not held against it.
      condition: condition && condition.atMs >= subscription.enabledAtMs ? condition : undefined,
      onChange: (now, before) => this.keep(now, before),
    })
    this.lanes.push(this.events())
    this.recover()
  }

  get version() {
    return this.subscription.version
  }

  /** Goes on with a changed subscription; messages on their way keep what they had. */
  update(next: Subscription) {
    const before = this.subscription
    this.subscription = next
    this.gate.concurrency = next.concurrency
    if (next.enabledAtMs !== before.enabledAtMs) this.gate.reset()
    this.makeGroup().catch((error) => this.ports.warn('webhook group not changed', error))
    this.recover()
  }

  /** Fetches nothing more and lets what is on its way arrive, for `graceMs`; what then is left goes back unattempted. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort()
    const timer = setTimeout(() => this.ending.abort(), graceMs)
    await Promise.all(this.lanes)
    clearTimeout(timer)
  }

  private async events(): Promise<void> {
    const address = groupOf(this.subscription)
    await this.makeGroup().catch((error) => this.ports.warn('webhook group not made', error))
    await runLane(this.ports, this.lane({ address, trigger: 'event', wants: () => true }))
  }

  /** Runs the recovery that the subscription asks for, once. */
  private recover() {
    const { recovery } = this.subscription
    if (recovery?.state !== 'running' || recovery.startedAtMs === this.recovering) return
    this.recovering = recovery.startedAtMs
    const { sinceMs, untilMs } = recovery
    const over = new AbortController()
    const stopping = AbortSignal.any([this.stopping.signal, over.signal])
    const address = recoveryGroupOf(this.subscription)
    const wants = ({ streamId }: LogEntry) => Number(streamId.split('-')[0]) <= untilMs
    const missing = () => this.makeGroup({ address, start: { sinceMs } })
    const run = async () => {
      await missing().catch((error) => this.ports.warn('recovery group not made', error))
      const lane = runLane(this.ports, { ...this.lane({ address, trigger: 'recovery', wants }), stopping, missing })
      await this.recovered(address, { untilMs, over })
      await lane
    }
    this.lanes.push(run().catch((error) => this.ports.warn('recovery broke off', error)))
  }

  /** Waits until all that a recovery is about is settled, then says so and removes its group. */
  private async recovered(address: GroupAddress, { untilMs, over }: { untilMs: number; over: AbortController }) {
    const { log, hooks } = this.ports
    const isOver = async () => {
      const nowMs = await hooks.store.subscriptions.nowMs()
      const { ready, leased, parked, dead, oldestUnsettledMs } = await log.lag(address)
      return ready + leased + parked === 0 || nowMs - oldestUnsettledMs > untilMs ? { dead } : undefined
    }
    while (!this.stopping.signal.aborted) {
      const end = await isOver().catch(() => undefined)
      if (end) {
        over.abort()
        await log.deleteGroup(address)
        const endedAtMs = hooks.clock.now()
        await changed(hooks.store, this.subscription, (now) =>
          now.recovery
            ? { ...now, recovery: { ...now.recovery, state: 'finished', endedAtMs, failed: end.dead } }
            : undefined,
        )
        const { id, tenant, topic } = this.subscription
        const data = { subscription: id, topic, failed: end.dead }
        return tell(this.ports, { tenant }, { type: 'mq.subscription.recovery_finished', subject: id, data })
      }
      await log.changed(address, { waitMs: recoveryLookMs, signal: this.stopping.signal })
    }
  }

  private lane(own: Pick<Lane, 'address' | 'trigger' | 'wants'>): Lane {
    return {
      ...own,
      subscription: () => this.subscription,
      gate: this.gate,
      slots: this.options.slots,
      stopping: this.stopping.signal,
      ending: this.ending.signal,
      missing: (error) => this.missing(error),
      ended: (fate) => this.ended(fate),
    }
  }

  /**
   * Makes a group, unless the subscription is on its way out: a group nobody delivers from would keep its events for
   * ever. Looked at before and after, for it may be deleted in between.
   */
  private async makeGroup(which: Parameters<typeof putGroupFor>[2] = {}): Promise<void> {
    const isWanted = async () => {
      const now = await this.ports.hooks.store.subscriptions.find(this.subscription)
      return now !== undefined && now.status !== 'deleting'
    }
    if (!(await isWanted())) return this.ports.nudge(this.subscription)
    await putGroupFor(this.ports, this.subscription, which)
    if (await isWanted()) return
    const address = which.address ?? groupOf(this.subscription)
    if (which.address || this.subscription.ownsGroup) await this.ports.log.deleteGroup(address)
  }

  private async missing({ code }: LogError): Promise<void> {
    if (code === 'topic_not_found') return this.disable('topic_deleted')
    // It was there when this pump began, so somebody removed it: begin with what comes now, not with everything again.
    await this.makeGroup({ start: { at: 'latest' } })
  }

  private async ended({ fate }: Fate): Promise<void> {
    const { tenant, topic, group, disableAfterMs } = this.subscription
    if (fate === 'dead') {
      const data = { topic, group, count: 1 }
      await tell(this.ports, { tenant }, { type: 'mq.delivery.died', subject: topic, data })
    }
    if (fate === 'gone') return this.disable('gone')
    const { failingSinceMs } = this.gate.condition
    if (fate === 'delivered' || disableAfterMs === null || failingSinceMs === null) return
    if (this.ports.hooks.clock.now() - failingSinceMs >= disableAfterMs) await this.disable('failing')
  }

  /** Many messages may find out at once. */
  private disable(reason: 'gone' | 'failing' | 'topic_deleted'): Promise<void> {
    const { failingSinceMs } = this.gate.condition
    this.disabling ??= disableByItself(this.ports, this.subscription, { reason, failingSinceMs }).catch((error) => {
      this.disabling = undefined
      this.ports.warn('subscription not disabled', error)
    })
    return this.disabling
  }

  private keep(now: Condition, before: Condition) {
    const { hooks, warn } = this.ports
    if (now.trips > before.trips) hooks.meters.tripped.inc()
    hooks.store.duties
      .setCondition(this.subscription, now, this.options.fence)
      .catch((error) => warn('webhook condition not kept', error))
  }
}

const recoveryLookMs = 1_000
