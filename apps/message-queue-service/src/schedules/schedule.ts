import type { Item } from '../agenda/port.ts'
import type { Missed, Timing } from './times.ts'
import { upcoming } from './times.ts'

/** What a schedule publishes. */
export interface Template {
  type: string
  data?: unknown
  subject?: string
  partitionkey?: string
}

/** A schedule as the agenda keeps it. */
export interface Schedule {
  topic: string
  event: Template
  timing: Timing
  missed: Missed
  isPaused: boolean
  createdMs: number
  /** The due time that comes next; null when none does. */
  nextMs: number | null
  lastMs?: number
  fired: number
  skipped: number
  failed: number
  /** Why the last firing failed, a code of the closed list. */
  code?: string
}

/** A schedule as its tenant sees it. */
export interface ScheduleView {
  name: string
  topic: string
  event: Template
  at?: string
  everyMs?: number
  cron?: string
  timezone?: string
  missed: Missed
  state: 'active' | 'paused' | 'finished'
  next: string[]
  fired: number
  skipped: number
  failed: number
  lastFiredAt?: string
  code?: string
  createdAt: string
}

export const scheduleOf = ({ body }: Item) => JSON.parse(body) as Schedule

const iso = (ms: number) => new Date(ms).toISOString()

export function viewOf(name: string, schedule: Schedule): ScheduleView {
  const { topic, event, timing, missed, isPaused, createdMs, nextMs, lastMs, fired, skipped, failed, code } = schedule
  const rest = nextMs === null ? [] : [nextMs, ...upcoming(timing, nextMs, 4)]
  const { startMs: _start, ...said } = 'everyMs' in timing ? timing : { ...timing, startMs: 0 }
  return {
    ...{ name, topic, event, ...said, missed },
    state: isPaused ? 'paused' : nextMs === null ? 'finished' : 'active',
    next: isPaused ? [] : rest.map(iso),
    ...{ fired, skipped, failed },
    ...(lastMs === undefined ? {} : { lastFiredAt: iso(lastMs) }),
    ...(code === undefined ? {} : { code }),
    createdAt: iso(createdMs),
  }
}
