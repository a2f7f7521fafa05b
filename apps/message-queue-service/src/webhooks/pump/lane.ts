import { backoffMs } from '@santaclaude/kit/backoff'
import { pause } from '@santaclaude/kit/deadline'
import { SemaphoreError } from '@santaclaude/kit/semaphore'
import { type Delivery, type GroupAddress, type LogEntry, LogError } from '@santaclaude/log/port'
import { attempt, deathOf } from '../attempt.ts'
import { leaseMarginMs, leaseMsOf } from '../group.ts'
import type { HookPorts } from '../hooks.ts'
import type { Fate } from '../schedule.ts'
import type { Attempt, Subscription } from '../store/port.ts'
import type { Gate } from './gate.ts'
import { isPassing, Settler } from './settler.ts'
import type { Slots } from './slots.ts'

const pullWaitMs = 25_000
/** How long nothing is sent after a failure of our own. */
const hinderedMs = 2_000
/** An endpoint that said it is gone is disabled within moments; until then its message must not come again at once. */
const goneMs = 5_000

/** One group of the log that messages come from, and what the pump lends to it. */
export interface Lane {
  address: GroupAddress
  trigger: Extract<Attempt['trigger'], 'event' | 'recovery'>
  /** What is not wanted is acknowledged unsent. */
  wants(entry: LogEntry): boolean
  subscription(): Subscription
  gate: Gate
  /** This replica's places for messages on their way. */
  slots: Slots
  /** Stops fetching. */
  stopping: AbortSignal
  /** Ends what is on its way. */
  ending: AbortSignal
  /** The group or the topic is not there. */
  missing(error: LogError): Promise<void>
  /** An attempt ended, and its message is settled accordingly. */
  ended(fate: Fate): Promise<void>
}

/**
 * Fetches from a group as much as the gate lets through, sends it, and settles it, until it is stopped; resolves when
 * nothing of it is on its way any more. What this process does not finish, the lease gives to the next one.
 */
export async function runLane(ports: HookPorts, lane: Lane): Promise<void> {
  const { log, warn } = ports
  const { address, gate, stopping } = lane
  const settler = new Settler(log, address, leaseMarginMs)
  const underWay = new Set<Promise<void>>()
  let troubles = 0
  while (!stopping.aborted) {
    await gate.open(stopping)
    if (stopping.aborted) break
    try {
      const leaseMs = leaseMsOf(lane.subscription())
      const deliveries = await log.pull(address, { max: gate.free(), waitMs: pullWaitMs, leaseMs, signal: stopping })
      troubles = 0
      const wanted = deliveries.filter(({ entry }) => lane.wants(entry))
      for (const { receipt, entry } of deliveries)
        if (!lane.wants(entry)) settler.settle({ op: 'ack', receipt }).catch((error) => warn('not settled', error))
      for (const delivery of wanted) {
        const one = carry(ports, lane, { delivery, settler, fetchedMs: performance.now() })
          .catch((error) => warn('a webhook message is left to its lease', error))
          .finally(() => underWay.delete(one))
        underWay.add(one)
      }
    } catch (error) {
      if (error instanceof LogError && /^(group|topic)_not_found$/.test(error.code))
        await lane.missing(error).catch((cause) => warn('webhook group not made', cause))
      else if (!isPassing(error)) warn('a webhook group cannot be read', error)
      await pause(50 + backoffMs(troubles++, { baseMs: 100, capMs: 1_000 }), stopping)
    }
  }
  await Promise.all(underWay)
}

interface Load {
  delivery: Delivery
  settler: Settler
  fetchedMs: number
}

/** Takes one message through the gate to its endpoint and settles it. */
async function carry(ports: HookPorts, lane: Lane, { delivery, settler, fetchedMs }: Load): Promise<void> {
  const { gate, slots, stopping } = lane
  const { receipt } = delivery
  if ((await gate.enter(stopping)) === 'shut') {
    await settler.settle({ op: 'release', receipt })
    return
  }
  let report: Parameters<Gate['leave']>[0]
  try {
    const { tenant, timeoutMs } = lane.subscription()
    const release = await slots.acquire(tenant, { waitMs: timeoutMs, signal: stopping })
    try {
      // A message that stood in line has used up some of its lease; it starts anew, or somebody else has it by now.
      if (performance.now() - fetchedMs > leaseMarginMs / 2) {
        const leaseMs = leaseMsOf(lane.subscription())
        const extended = await settler.settle({ op: 'extend', receipt, leaseMs })
        if (!extended.ok) return
      }
      report = await sendOnce(ports, lane, { delivery, settler, fetchedMs })
    } finally {
      release()
    }
  } catch (error) {
    await settler.settle({ op: 'release', receipt }).catch(() => {})
    if (stopping.aborted || error instanceof SemaphoreError) return
    // What hinders us here (keys nobody can open, a store that is away) would hinder the next message too.
    report = { isSuccess: null, holdMs: hinderedMs }
    throw error
  } finally {
    gate.leave(report)
  }
}

async function sendOnce(
  ports: HookPorts,
  lane: Lane,
  { delivery, settler }: Load,
): Promise<Parameters<Gate['leave']>[0]> {
  const { hooks } = ports
  const { attempts } = hooks.store
  const subscription = lane.subscription()
  const { entry, receipt, deliveries } = delivery
  const { partition, streamId, event } = entry
  const place = `${lane.address.group}/${partition}/${streamId}`
  // Deliveries also count what a crash cut off; the schedule counts attempts that were made.
  const before = deliveries === 1 ? 0 : await attempts.tally(subscription, place)
  const sent = await attempt(hooks, subscription, {
    event,
    place: { partition, streamId },
    trigger: lane.trigger,
    number: before + 1,
    retryMs: subscription.retryMs,
    signal: lane.ending,
  })
  const { fate } = sent
  if (sent.isStopped) {
    await settler.settle({ op: 'release', receipt })
    return undefined
  }
  const isOver = fate.fate === 'delivered' || fate.fate === 'dead'
  const tally = isOver ? { place, count: 0 } : { place, count: before + 1 }
  const options = { keep: hooks.policy.attemptsKept, ...(isOver && before === 0 ? {} : { tally }) }
  const kept = attempts.add(subscription, sent.attempt, options).catch((error) => ports.warn('attempt not kept', error))
  const settled = await settler.settle(settlementOf(fate, receipt, sent.attempt))
  await kept
  if (fate.fate === 'delivered' && settled.ok) ports.meters.delivered.inc({ transport: 'webhook' })
  if (settled.ok) await lane.ended(fate)
  return { isSuccess: fate.fate === 'delivered', holdMs: 'holdMs' in fate ? fate.holdMs : 0 }
}

function settlementOf(fate: Fate, receipt: string, made: Attempt) {
  switch (fate.fate) {
    case 'delivered':
      return { op: 'ack', receipt } as const
    case 'again':
      return { op: 'nack', receipt, delayMs: fate.delayMs, reason: deathOf(made) } as const
    case 'dead':
      return { op: 'term', receipt, reason: deathOf(made) } as const
    case 'gone':
      return { op: 'nack', receipt, delayMs: goneMs, reason: 'the endpoint is gone' } as const
  }
}
