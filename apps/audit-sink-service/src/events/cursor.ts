import { isUuid } from '@santaclaude/kit/ids'
import { Fault } from '@santaclaude/service/faults'
import type { Position, SearchOptions } from '../store/port.ts'

type Order = SearchOptions['order']

/** A place in a listing as opaque text. It says the order too: going on in the other one would make no sense. */
export const encodeCursor = (order: Order, { occurredAtMs, logMs, logSeq, id }: Position): string =>
  Buffer.from([order[0], occurredAtMs, logMs, logSeq, id].join(' ')).toString('base64url')

/** The place a cursor names. Faults: bad_cursor. */
export function decodeCursor(order: Order, cursor: string): Position {
  const [letter, ...parts] = Buffer.from(cursor, 'base64url').toString('latin1').split(' ')
  const [occurredAtMs = Number.NaN, logMs = Number.NaN, logSeq = Number.NaN] = parts.slice(0, 3).map(Number)
  const id = parts[3] ?? ''
  const isWhole =
    parts.length === 4 && [occurredAtMs, logMs, logSeq].every(Number.isSafeInteger) && logMs >= 0 && logSeq >= 0
  if (!isWhole || !isUuid(id)) throw new Fault('bad_cursor')
  if (letter !== order[0])
    throw new Fault('bad_cursor', {
      detail: `The cursor belongs to the order ${letter === 'n' ? 'newest' : 'oldest'}.`,
    })
  return { occurredAtMs, logMs, logSeq, id }
}
