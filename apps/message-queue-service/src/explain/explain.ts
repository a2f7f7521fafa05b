import type { GroupState } from '@santaclaude/log/insight'
import type { EventLog, Group, GroupAddress, GroupLag } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'
import { topicForReader } from '../platform.ts'

/** Why a group is handed nothing, or what else is to know; the code is one of a closed list. */
export type ReasonCode =
  | 'deliverable'
  | 'store_refuses_writes'
  | 'store_full'
  | 'upkeep_missing'
  | 'paused'
  | 'in_flight_limit'
  | 'waiting_for_due_time'
  | 'blocked_by_order'
  | 'all_leased'
  | 'events_delayed'
  | 'filter_lets_nothing_through'
  | 'all_settled'
  | 'nothing_published'
  | 'has_dead_letters'

export interface Reason {
  code: ReasonCode
  /** Whether this is why nothing is handed out now. */
  isBlocking: boolean
  /** What is the case. */
  words: string
  /** What can be done. */
  hint: string
  /** Events this is about. */
  count?: number
  /** When it passes by itself. */
  until?: string
}

export interface Known {
  group: Group
  state: GroupState
  lag: GroupLag
  /** Events of the topic now, and delayed ones. */
  size: number
  delayed: number
  nowMs: number
}

/** Says why nothing is delivered, the weightiest reason first. Faults: topic_not_found, group_not_found. */
export async function explain(log: EventLog, address: GroupAddress) {
  await topicForReader(log, address)
  const group = await log.group(address)
  if (!group) throw new Fault('group_not_found')
  const [state, lag, size, delayed] = await Promise.all([
    log.groupState(address),
    log.lag(address),
    log.size(address),
    log.delayed(address),
  ])
  const reasons = reasonsOf({ group, state, lag, size, delayed, nowMs: Date.now() })
  return {
    group: address.group,
    topic: address.topic,
    isBlocked: reasons.some(({ isBlocking }) => isBlocking),
    reasons,
  }
}

export function reasonsOf(known: Known): Reason[] {
  const held = holding(known)
  const waiting = held.length > 0 ? [] : waitingFor(known)
  const { dead } = known.lag
  const letters: Reason[] =
    dead === 0
      ? []
      : [
          {
            ...{ code: 'has_dead_letters', isBlocking: false, count: dead },
            words: `${dead} events are dead letters.`,
            hint: 'Look at them at …/dead-letters; redrive them when the cause is mended.',
          },
        ]
  return [...held, ...waiting, ...letters]
}

/** What holds back even events that could go. */
function holding({ group, state, lag, nowMs }: Known): Reason[] {
  const reasons: Reason[] = []
  if (state.store !== 'ok')
    reasons.push({
      ...{ code: state.store === 'full' ? 'store_full' : 'store_refuses_writes', isBlocking: true },
      words:
        state.store === 'full' ? 'Redis has no room left.' : 'Redis takes no writes: it is a replica or cannot save.',
      hint: 'The operator must look at Redis: memory, disk, role.',
    })
  if (!state.hasUpkeep)
    reasons.push({
      ...{ code: 'upkeep_missing', isBlocking: lag.leased > 0 && lag.ready === 0 },
      words: 'No replica does the upkeep: expired leases are not taken back.',
      hint: 'Start message-queue-service, or look why its rounds fail (upkeep_failures_total).',
    })
  if (group.isPaused)
    reasons.push({
      ...{ code: 'paused', isBlocking: true },
      words: 'The group is paused.',
      hint: 'POST …/resume lets it go on.',
    })
  if (group.inFlightMax !== null && lag.leased >= group.inFlightMax)
    reasons.push({
      ...{ code: 'in_flight_limit', isBlocking: true, count: lag.leased },
      words: `${lag.leased} events are under lease, and the group allows ${group.inFlightMax}.`,
      hint: 'Settle some, or raise inFlightMax.',
      ...untilOf(earliest(state, 'leaseEndsInMs'), nowMs),
    })
  return reasons
}

/** What the events themselves are waiting for. */
function waitingFor({ group, state, lag, size, delayed, nowMs }: Known): Reason[] {
  const dueInMs = earliest(state, 'dueInMs')
  const inLine = state.partitions.reduce((sum, part) => sum + part.inLine, 0)
  // A group that orders or filters parks what it reads ahead: due at once, it is as good as new.
  if (lag.ready > 0 || dueInMs === 0)
    return [
      {
        ...{ code: 'deliverable', isBlocking: false },
        words:
          lag.ready > 0 ? `${lag.ready} events wait to be pulled.` : 'Parked events are due and wait to be pulled.',
        hint: 'Pull. If consumers do and get nothing, all that is left may not pass the filter, or stand behind others of its key.',
      },
    ]
  const reasons: Reason[] = []
  if (dueInMs !== undefined)
    reasons.push({
      ...{ code: 'waiting_for_due_time', isBlocking: true, count: lag.parked - inLine },
      words: `${lag.parked - inLine} events were given back or expired and wait for their backoff.`,
      hint: 'Wait, or shorten backoffMs for the next time.',
      ...untilOf(dueInMs, nowMs),
    })
  if (inLine > 0)
    reasons.push({
      ...{ code: 'blocked_by_order', isBlocking: true, count: inLine },
      words: `${inLine} events stand behind an unsettled one of their ${group.ordering}.`,
      hint: 'Settle or terminate those in front; …/pending names them.',
      ...untilOf(earliest(state, 'leaseEndsInMs'), nowMs),
    })
  if (lag.leased > 0)
    reasons.push({
      ...{ code: 'all_leased', isBlocking: true, count: lag.leased },
      words: `${lag.leased} events are under lease by somebody.`,
      hint: 'They come again when a lease ends without an answer; …/pending names them.',
      ...untilOf(earliest(state, 'leaseEndsInMs'), nowMs),
    })
  if (delayed > 0)
    reasons.push({
      ...{ code: 'events_delayed', isBlocking: true, count: delayed },
      words: `${delayed} events of the topic are to be delivered later.`,
      hint: 'They come when their time does.',
    })
  if (reasons.length === 0) reasons.push(nothingLeft({ group, lag, size }))
  return reasons
}

function nothingLeft({ group, lag, size }: Pick<Known, 'group' | 'lag' | 'size'>): Reason {
  if (group.filter && lag.filtered > 0)
    return {
      ...{ code: 'filter_lets_nothing_through', isBlocking: true, count: lag.filtered },
      words: `Nothing is left: the filter has settled ${lag.filtered} events unseen.`,
      hint: 'If that is too many, change the filter and move the group back with …/seek.',
    }
  if (size === 0)
    return {
      ...{ code: 'nothing_published', isBlocking: true },
      words: 'The topic holds no event.',
      hint: 'Publish one, or look whether retention has removed them.',
    }
  return {
    ...{ code: 'all_settled', isBlocking: true },
    words: 'The group has settled everything.',
    hint: 'Publish something new, or move the group back with …/seek.',
  }
}

function earliest({ partitions }: GroupState, what: 'leaseEndsInMs' | 'dueInMs'): number | undefined {
  const all = partitions.flatMap((part) => part[what] ?? [])
  return all.length === 0 ? undefined : Math.min(...all)
}

const untilOf = (inMs: number | undefined, nowMs: number) =>
  inMs === undefined ? {} : { until: new Date(nowMs + inMs).toISOString() }
