import { LogError, WHOLE_MAX } from './port.ts'

/** Whether events with these partitions (undefined = any) can be appended as a whole. */
export function checkWhole(partitions: (number | undefined)[], count: number) {
  if (count > WHOLE_MAX) throw new LogError('event_too_large', `A whole may have ${WHOLE_MAX} events.`)
  const found = new Set(partitions)
  if (found.has(undefined)) throw new LogError('several_partitions', 'An event without a partition key lies anywhere.')
  if (found.size > 1) throw new LogError('several_partitions', `Their partition keys lie in ${found.size} partitions.`)
}
