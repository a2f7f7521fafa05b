/** A Redis stream id as its two numbers, since text would sort 10-0 before 9-0. */
export function splitStreamId(streamId: string): { ms: number; seq: number } {
  const [ms = '', seq = ''] = streamId.split('-')
  return { ms: Number(ms), seq: Number(seq) }
}

/** Less than zero when `a` comes before `b` in a stream. */
export function compareStreamIds(a: string, b: string): number {
  const one = splitStreamId(a)
  const other = splitStreamId(b)
  return one.ms - other.ms || one.seq - other.seq
}
