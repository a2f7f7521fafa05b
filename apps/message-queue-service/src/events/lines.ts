import type { NewEvent } from '@santaclaude/log/port'
import { bodyChunks } from '@santaclaude/service/body'
import type { Who } from '@santaclaude/service/exchange'
import { Fault, type FaultCode, faults, problemOf } from '@santaclaude/service/faults'
import type { QueuePorts } from '../ports.ts'
import { incomingOf } from './arriving.ts'
import { admit, eventOf, keep, type Published, type Publishing } from './publish.ts'

/** The most lines that are published in one step. */
const stepLines = 500
/** The longest line: an event of the largest size, written with every character escaped once. */
const lineBytesMax = 2 * 1_048_576

/** What became of one line. */
type LineResult = { line: number } & (Published | { code: FaultCode; detail: string })

const encoder = new TextEncoder()
const textOf = (values: unknown[]) => encoder.encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''))

/**
 * Publishes NDJSON as it arrives: every step of lines is kept and answered before the next is read, so a request of any
 * length takes bounded memory. Yields NDJSON: one result per line in order, a line that does not fit being refused
 * alone; last `{"end":true,…}` with the sums, or `{"error":<problem>}` when the rest could not be kept.
 * What is wrong with the request as a whole is thrown before the first yield.
 */
export async function* publishLines(
  ports: QueuePorts,
  who: Who,
  { request, ...publishing }: Publishing & { request: Request },
): AsyncGenerator<Uint8Array> {
  const { isAtomic, expectedLastId } = publishing.wishes
  if (isAtomic || expectedLastId !== undefined)
    throw new Fault('validation_failed', { detail: 'NDJSON is kept as it comes, so it cannot be one whole.' })
  await admit(ports, who, publishing)
  const sums = { lines: 0, new: 0, duplicates: 0, refused: 0 }
  let isFirst = true
  try {
    for await (const lines of steps(bodyChunks(request))) {
      const results = await publishStep(ports, who, { publishing, lines, from: sums.lines })
      sums.lines += lines.length
      for (const result of results) sums['code' in result ? 'refused' : result.duplicate ? 'duplicates' : 'new']++
      yield textOf(results)
      isFirst = false
    }
  } catch (error) {
    if (isFirst) throw error
    yield textOf([{ error: problemOf(faultOf(error), who.requestId) }])
    return
  }
  yield textOf([{ end: true, ...sums }])
}

/** The lines of a step of the body; empty ones are none. Only the step and one unfinished line are held. */
async function* steps(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let rest: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    let lines: Uint8Array[] = []
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = bytes.subarray(start, end)
      start = end + 1
      if (!line.every(isSpace)) lines.push(line)
      if (lines.length < stepLines) continue
      yield lines
      lines = []
    }
    if (lines.length > 0) yield lines
    rest = bytes.subarray(start)
    if (rest.length > lineBytesMax)
      throw new Fault('event_too_large', { detail: `A line may have at most ${lineBytesMax} bytes.` })
  }
  if (!rest.every(isSpace)) yield [rest]
}

async function publishStep(
  ports: QueuePorts,
  who: Who,
  { publishing, lines, from }: { publishing: Publishing; lines: Uint8Array[]; from: number },
): Promise<LineResult[]> {
  const results: LineResult[] = []
  const events: NewEvent[] = []
  const places: number[] = []
  for (const [n, bytes] of lines.entries()) {
    const line = from + n + 1
    try {
      const made = eventOf(who, publishing, { incoming: incomingOf(bytes), n: from + n })
      if (Array.isArray(made)) {
        const [first] = made
        results[n] = { line, code: 'validation_failed', detail: `${first?.path} ${first?.message}.` }
      } else {
        events.push(made)
        places.push(n)
      }
    } catch (error) {
      const { code, message } = faultOf(error)
      results[n] = { line, code, detail: message }
    }
  }
  for (const { index, path, message } of await ports.schemas.refused(
    { tenant: who.tenant, topic: publishing.topic },
    events,
  ))
    results[places[index] as number] = {
      ...{ line: from + (places[index] as number) + 1, code: 'schema_violation', detail: `${path} ${message}.` },
    }
  const [fit, at] = [events, places].map((list) => list.filter((_, n) => !results[places[n] as number])) as [
    NewEvent[],
    number[],
  ]
  if (fit.length === 0) return results
  const kept = await keep(ports, who, { ...publishing, events: fit })
  for (const [k, n] of at.entries()) results[n] = { line: from + n + 1, ...(kept.results[k] as Published) }
  return results
}

/** A failure in the middle of a stream, in the public words of its kind. */
function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = error instanceof Error && 'faultCode' in error ? String(error.faultCode) : ''
  return new Fault(Object.hasOwn(faults, code) ? (code as FaultCode) : 'internal', { cause: error })
}

const isSpace = (byte: number) => byte === 32 || byte === 13 || byte === 9
