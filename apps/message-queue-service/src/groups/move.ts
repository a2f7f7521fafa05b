import type { Seek } from '@santaclaude/log/port'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { startOf } from '../events/start.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded, tell } from '../tell.ts'
import { type GroupView, viewOf } from './put.ts'

/** Where a request wants a group to go on: `to` or `since`, or one entry of one partition. */
export interface SeekWish {
  to?: string
  since?: string
  partition?: number
  streamId?: string
}

/** Moves a group. What it held is given up; its dead letters stay. */
export async function seekGroup(
  ports: QueuePorts,
  who: Who,
  { topic, group, wish }: { topic: string; group: string; wish: SeekWish },
): Promise<GroupView> {
  const address = { tenant: who.tenant, topic, group }
  const to = seekOf(wish)
  const found = await ports.log.group(address)
  if (!found) throw new Fault('group_not_found')
  const act = { action: 'mq.group.moved', target: { type: 'group', id: `${topic}/${group}` }, data: { ...wish } }
  await recorded(ports, who, { act, work: () => ports.log.seek(address, to) })
  await tell(ports, who, { type: 'mq.group.moved', subject: topic, data: { topic, group } })
  return viewOf(found)
}

function seekOf({ to, since, partition, streamId }: SeekWish): Seek {
  const isEntry = partition !== undefined || streamId !== undefined
  if (!isEntry) return startOf({ from: to, since, otherwise: 'earliest' })
  if (partition !== undefined && streamId !== undefined && to === undefined && since === undefined)
    return { partition, streamId }
  throw new Fault('validation_failed', {
    detail: 'partition and streamId belong together, and stand alone.',
    errors: [{ path: '/body', message: 'give partition with streamId and nothing else' }],
  })
}

/** Lets a group rest, or go on. */
export async function pauseGroup(
  ports: QueuePorts,
  who: Who,
  { topic, group, isPaused }: { topic: string; group: string; isPaused: boolean },
): Promise<GroupView> {
  const address = { tenant: who.tenant, topic, group }
  if (!(await ports.log.group(address))) throw new Fault('group_not_found')
  const type = isPaused ? 'mq.group.paused' : 'mq.group.resumed'
  const act = { action: type, target: { type: 'group', id: `${topic}/${group}` } }
  const changed = await recorded(ports, who, { act, work: () => ports.log.putGroup(address, { isPaused }) })
  await tell(ports, who, { type, subject: topic, data: { topic, group } })
  return viewOf(changed)
}
