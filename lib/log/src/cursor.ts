import { LogError } from './port.ts'

/** Before the first entry of a partition. */
export const ORIGIN = '0-0'

/** The end of a millisecond: Redis takes it, and a double can say it. */
const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER

/** A reader's place in one partition: the last id it has seen, and the life of the partition that id belongs to. */
export interface Place {
  epoch: string
  streamId: string
}

/** Below 0 when `a` comes before `b`. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  const [aMs, aSequence] = a.split('-')
  const [bMs, bSequence] = b.split('-')
  return Number(aMs) - Number(bMs) || Number(aSequence) - Number(bSequence)
}

export const laterId = (a: string, b: string) => (compareIds(a, b) < 0 ? b : a)
export const msOf = (streamId: string) => Number(streamId.slice(0, streamId.indexOf('-')))

/** The place from which the first entry read is the first one not older than `ms`. */
export const placeBefore = (ms: number) => (ms <= 0 ? ORIGIN : `${Math.floor(ms) - 1}-${SEQUENCE_MAX}`)

/** Whether a place is that of an entry, and not one between entries that stands for a time. */
export const isEntryId = (streamId: string) => streamId !== ORIGIN && !streamId.endsWith(`-${SEQUENCE_MAX}`)

/** The id after which an entry is the next one. */
export function idBefore(streamId: string): string {
  if (!/^\d{1,15}-\d{1,15}$/.test(streamId)) throw new LogError('bad_cursor', 'This is not the id of an entry.')
  const [ms, sequence] = streamId.split('-').map(Number) as [number, number]
  return sequence > 0 ? `${ms}-${sequence - 1}` : placeBefore(ms)
}

/** A cursor is the reader's place in every partition, `<epoch>-<ms>-<sequence>` in base 36, joined by `.`. */
export const encodeCursor = (places: Place[]) =>
  `c1.${places
    .map(({ epoch, streamId }) => {
      const [ms, sequence] = streamId.split('-')
      return `${epoch}-${Number(ms).toString(36)}-${Number(sequence).toString(36)}`
    })
    .join('.')}`

export function decodeCursor(cursor: string): Place[] {
  const [version, ...parts] = cursor.split('.')
  if (version !== 'c1' || parts.length === 0 || parts.length > 256) throw badCursor()
  return parts.map((part) => {
    const match = /^([A-Za-z0-9]{0,16})-([0-9a-z]{1,10})-([0-9a-z]{1,12})$/.exec(part)
    const [ms, sequence] = [Number.parseInt(match?.[2] ?? '', 36), Number.parseInt(match?.[3] ?? '', 36)]
    if (!match || !(ms < 1e15) || !(sequence <= SEQUENCE_MAX)) throw badCursor()
    return { epoch: match[1] ?? '', streamId: `${ms}-${sequence}` }
  })
}

const badCursor = () => new LogError('bad_cursor', 'This is not a cursor that this topic gave out.')

/** What a receipt says: which delivery of which entry, in which life of the group. `deliveries` is the count with its life. */
export interface Receipt {
  partition: number
  nonce: string
  streamId: string
  deliveries: number
}

/**
 * Deliveries are counted in lives of so many: a redrive begins the entry's next life in its group, so that no receipt of
 * an earlier one fits again. `redrive.lua` and `expire.lua` know the same number.
 */
const LIFE = 10_000

/** The how-manieth delivery of its life a count says. */
export const deliveryOf = (count: number) => count % LIFE
/** The count from which the next life's deliveries go on. */
export const nextLife = (count: number) => (Math.floor(count / LIFE) + 1) * LIFE

export const encodeReceipt = ({ partition, nonce, streamId, deliveries }: Receipt) =>
  `${partition}.${nonce}.${streamId}.${deliveries}`

export function decodeReceipt(text: string): Receipt | undefined {
  const match = /^(\d{1,3})\.([A-Za-z0-9]{1,16})\.(\d{1,15}-\d{1,20})\.(\d{1,9})$/.exec(text)
  if (!match) return undefined
  const [, partition, nonce, streamId, deliveries] = match as unknown as [string, string, string, string, string]
  return { partition: Number(partition), nonce, streamId, deliveries: Number(deliveries) }
}
