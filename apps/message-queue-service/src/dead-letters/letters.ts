import { structuredEvent } from '@santaclaude/log/event'
import type { DeadLetter, EventLog, GroupAddress } from '@santaclaude/log/port'
import type { DeadFilter, DeadPlace, DeadWish } from '@santaclaude/log/repair'
import { Fault } from '@santaclaude/service/faults'
import { topicForReader } from '../platform.ts'

/** Which dead letters a request means. */
export interface Which {
  types?: string[]
  where?: string
  reason?: string
  since?: string
  until?: string
}

/** What one page of a deletion or a preview looks at. */
export const PAGE = 1_000

/** A letter's id as its tenant sees it: `<partition>.<place>`. */
const idOf = ({ entry: { partition }, streamId }: DeadLetter) => `${partition}.${streamId}`
export const placeText = ({ partition, streamId }: DeadPlace) => `${partition}.${streamId}`

/** The place of an id or a `next`; throws `bad_cursor` for what is none. */
export function placeOf(text: string): DeadPlace {
  const match = /^(\d{1,3})\.(\d{1,15}-\d{1,16})$/.exec(text)
  if (!match) throw new Fault('bad_cursor', { detail: 'This is not the id of a dead letter.' })
  return { partition: Number(match[1]), streamId: match[2] as string }
}

export function filterOf({ types, where, reason, since, until }: Which): DeadFilter {
  return {
    ...(types || where !== undefined
      ? { filter: { ...(types ? { types } : {}), ...(where === undefined ? {} : { where }) } }
      : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
  }
}

/** A dead letter as JSON text, its event's data byte for byte as it was published. */
export function letterText(letter: DeadLetter): string {
  const { partition, streamId, event } = letter.entry
  const { deliveries, reason, deadAtMs } = letter
  const about = { id: idOf(letter), partition, streamId, deliveries, reason, deadAt: new Date(deadAtMs).toISOString() }
  return `${JSON.stringify(about).slice(0, -1)},"event":${structuredEvent(event)}}`
}

/** Faults: topic_not_found, group_not_found. */
export async function needGroup(log: EventLog, address: GroupAddress): Promise<void> {
  await topicForReader(log, address)
  if (!(await log.group(address))) throw new Fault('group_not_found')
}

/** A page of a group's dead letters as JSON text. Faults: group_not_found, bad_cursor, invalid_filter. */
export async function listLetters(log: EventLog, address: GroupAddress, wish: DeadWish): Promise<string> {
  await needGroup(log, address)
  const { letters, next } = await log.deadLetters(address, wish)
  return `{"deadLetters":[${letters.map(letterText).join(',')}]${next ? `,"next":"${placeText(next)}"` : ''}}`
}
