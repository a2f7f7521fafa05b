import type { GroupAddress } from '@santaclaude/log/port'
import type { DeadFilter, DeadPlace } from '@santaclaude/log/repair'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { recorded } from '../tell.ts'
import { needGroup, PAGE } from './letters.ts'

const actOn = ({ topic, group }: GroupAddress, data: Record<string, unknown>) => ({
  action: 'mq.dead-letter.deleted',
  target: { type: 'group', id: `${topic}/${group}` },
  data,
})

/** Deletes one dead letter for good. Faults: group_not_found, dead_letter_not_found, audit_unavailable. */
export async function deleteLetter(ports: QueuePorts, who: Who, at: GroupAddress & { place: DeadPlace }) {
  const { place, ...address } = at
  await needGroup(ports.log, address)
  const work = () => ports.log.deleteDeadLetters(address, [place])
  const count = await recorded(ports, who, { act: actOn(address, { ...place }), work })
  if (count === 0) throw new Fault('dead_letter_not_found')
}

/** Deletes the oldest thousand of the dead letters that fit; `isMore` says that others may be left. */
export async function deleteLetters(
  ports: QueuePorts,
  who: Who,
  { address, which }: { address: GroupAddress; which: DeadFilter },
): Promise<{ deleted: number; isMore: boolean }> {
  await needGroup(ports.log, address)
  const { letters, next } = await ports.log.deadLetters(address, { ...which, order: 'oldest', limit: PAGE })
  const places = letters.map(({ entry: { partition }, streamId }) => ({ partition, streamId }))
  const work = () => ports.log.deleteDeadLetters(address, places)
  const deleted = await recorded(ports, who, { act: actOn(address, { which, count: places.length }), work })
  return { deleted, isMore: next !== undefined }
}
