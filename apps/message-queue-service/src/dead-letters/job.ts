import type { GroupAddress } from '@santaclaude/log/port'
import type { DeadFilter, DeadPlace } from '@santaclaude/log/repair'
import type { Item } from '../agenda/port.ts'

/** A redrive under way, as the agenda keeps it. */
export interface Job {
  topic: string
  group: string
  which: DeadFilter
  /** Where the letters go; back into their group unless said. */
  target?: string
  ratePerSecond: number
  createdMs: number
  state: 'running' | 'done' | 'stopped' | 'failed'
  /** Everything up to here has been looked at. */
  after?: DeadPlace
  /** Set when it is over; while it runs the log counts. */
  moved?: number
  endedMs?: number
  /** Why it failed, a code of the closed list. */
  code?: string
}

export const jobOf = ({ body }: Item) => JSON.parse(body) as Job

export const addressOf = ({ tenant }: { tenant: string }, { topic, group }: Job): GroupAddress => ({
  tenant,
  topic,
  group,
})
