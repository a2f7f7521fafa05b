import { pause } from '@santaclaude/kit/deadline'
import type { Sweep } from '@santaclaude/log/port'
import { stepRedrives } from '../dead-letters/redriving.ts'
import type { QueuePorts } from '../ports.ts'
import { stepSchedules } from '../schedules/firing.ts'
import { tell } from '../tell.ts'
import { sing } from './canary.ts'

const CANARY_MS = 5_000

export interface Upkeep {
  /** Resolves when the round that is under way is over. */
  close(): Promise<void>
}

type UpkeepPorts = Pick<QueuePorts, 'log' | 'emit' | 'meters' | 'warn' | 'redrives' | 'schedules'>

/**
 * Looks after every topic, round after round: expired leases, dead letters, retention. Every replica runs this; the log
 * lets one of them do the work. A round that fails is logged and counted, and the next one comes.
 */
export function startUpkeep(ports: UpkeepPorts, { everyMs }: { everyMs: number }): Upkeep {
  const stopping = new AbortController()
  const rounds = async (name: string, pauseMs: number, work: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      await work().catch((error) => {
        ports.meters.sweepFailures.inc()
        ports.warn(`a round of ${name} failed`, error)
      })
      await pause(pauseMs, stopping.signal)
    }
  }
  let owns = false
  const running = [
    rounds('upkeep', everyMs, async () => {
      // Away with the store, the last owner goes on singing: that is when the canary is missed.
      owns = await round(ports)
    }),
    rounds('redrives', everyMs, () => stepRedrives(ports)),
    rounds('canary', CANARY_MS, async () => {
      if (owns) await sing(ports)
    }),
    rounds('schedules', everyMs, () => stepSchedules(ports)),
  ]
  return {
    close: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

/** One round; whether it was ours to do. */
async function round(ports: UpkeepPorts): Promise<boolean> {
  const { log, meters } = ports
  const stopWatch = meters.sweepSeconds.startTimer()
  try {
    const sweep = await log.sweep()
    meters.owner.set(sweep.isOwner ? 1 : 0)
    for (const what of ['expired', 'dead', 'trimmed', 'dropped', 'lost'] as const)
      meters.upkept.inc({ what }, sweep[what])
    meters.unbalanced.set(sweep.unbalanced)
    await tellTroubles(ports, sweep)
    return sweep.isOwner
  } catch (error) {
    meters.owner.set(0)
    throw error
  } finally {
    stopWatch()
  }
}

async function tellTroubles(ports: UpkeepPorts, { troubles }: Sweep): Promise<void> {
  for (const [, parts] of Map.groupBy(
    troubles,
    ({ group: { tenant, topic, group } }) => `${tenant}/${topic}/${group}`,
  )) {
    const { tenant, topic, group } = (parts[0] as Sweep['troubles'][number]).group
    const dead = parts.reduce((sum, part) => sum + part.dead, 0)
    const lost = parts.reduce((sum, part) => sum + part.lost, 0)
    const about = { subject: topic, data: { topic, group, count: dead } }
    if (dead > 0) await tell(ports, { tenant }, { type: 'mq.delivery.died', ...about })
    if (lost > 0) await tell(ports, { tenant }, { type: 'mq.data.lost', ...about, data: { topic, group, count: lost } })
  }
}
