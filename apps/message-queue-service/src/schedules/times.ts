import { Fault } from '@santaclaude/service/faults'
import { Cron } from 'croner'

/** When a schedule fires: once, every so often from a point on, or by a cron line in a time zone. */
export type Timing =
  | { at: string }
  | { everyMs: number; startMs: number }
  /** Five fields, or six with seconds first. */
  | { cron: string; timezone: string }

/** What becomes of firings that came due while nobody could fire them. */
export type Missed = 'skip' | 'one' | 'all'

/** A firing this late was missed. */
const LATE_MS = 60_000
/** Missed firings that `all` makes up for, at most. */
const MADE_UP_MAX = 100
/** Due times looked at in one go; what lies behind comes in the next. */
const LOOKED_MAX = 10_000

/** The first due time after `ms`, or null when none comes any more. Throws `invalid_schedule` for a line nobody can read. */
export function nextAfter(timing: Timing, ms: number): number | null {
  if ('at' in timing) return Date.parse(timing.at) > ms ? Date.parse(timing.at) : null
  if ('everyMs' in timing) {
    const { everyMs, startMs } = timing
    return startMs + Math.max(1, Math.floor((ms - startMs) / everyMs) + 1) * everyMs
  }
  return cronOf(timing).nextRun(new Date(ms))?.getTime() ?? null
}

/** The next due times after `ms`, `count` at most. */
export function upcoming(timing: Timing, ms: number, count: number): number[] {
  const times: number[] = []
  for (let next = nextAfter(timing, ms); next !== null && times.length < count; next = nextAfter(timing, next))
    times.push(next)
  return times
}

/** Which due times to fire now, of those from `dueMs` to `nowMs`, how many are let go, and when the next one is due. */
export function firingsOf(
  { timing, missed }: { timing: Timing; missed: Missed },
  { dueMs, nowMs }: { dueMs: number; nowMs: number },
): { fire: number[]; skipped: number; nextMs: number | null } {
  const due: number[] = []
  let nextMs: number | null = dueMs
  for (; nextMs !== null && nextMs <= nowMs && due.length < LOOKED_MAX; nextMs = nextAfter(timing, nextMs))
    due.push(nextMs)
  const late = due.filter((ms) => nowMs - ms > LATE_MS)
  const timely = due.slice(late.length)
  const kept =
    missed === 'all' ? late.slice(-MADE_UP_MAX) : missed === 'one' && timely.length === 0 ? late.slice(-1) : []
  return { fire: [...kept, ...timely], skipped: late.length - kept.length, nextMs }
}

const lines = new Map<string, Cron>()

/** Reading a line costs far more than asking it for a time. */
function cronOf({ cron, timezone }: { cron: string; timezone: string }): Cron {
  const id = `${timezone} ${cron}`
  const known = lines.get(id)
  if (known) return known
  try {
    const read = new Cron(cron, { timezone, mode: '5-or-6-parts', paused: true })
    // The zone is looked up only when a time is asked for.
    read.nextRun(new Date(0))
    if (lines.size >= 1_000) lines.clear()
    lines.set(id, read)
    return read
  } catch (cause) {
    throw new Fault('invalid_schedule', { detail: `The cron line '${cron}' in '${timezone}' cannot be read.`, cause })
  }
}
