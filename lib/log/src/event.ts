import type { LogEntry, LogEvent, NewEvent } from './port.ts'

/** The values of a stream entry in the order the scripts write them: id, type, source, key, attributes, data. */
export const packEvent = ({ id, type, source, partitionkey, attributes, dataJson }: NewEvent) => [
  id,
  type,
  source,
  partitionkey ?? '',
  attributes === undefined ? '{}' : JSON.stringify(attributes),
  dataJson ?? '',
]

/** An entry from a Redis reply: `[streamId, [field, value, ...]]`. */
export function unpackEntry(partition: number, [streamId, fields]: RawEntry): LogEntry {
  return { partition, streamId, event: unpackFields(fields) }
}

export type RawEntry = [streamId: string, fields: string[]]

/** The event among an entry's fields; a dead letter has three fields more in front, so places count from the end. */
export function unpackFields(fields: string[]): LogEvent {
  const at = fields.length - 12
  const value = (n: number) => fields[at + 2 * n + 1] ?? ''
  const partitionkey = value(3)
  const dataJson = value(5)
  return {
    id: value(0),
    type: value(1),
    source: value(2),
    attributesJson: value(4) || '{}',
    ...(partitionkey === '' ? {} : { partitionkey }),
    ...(dataJson === '' ? {} : { dataJson }),
  }
}

/**
 * The event in the JSON format of CloudEvents 1.0, as text. The parts are joined, not parsed and written again: that
 * keeps the publisher's bytes of `data` and costs a tenth.
 */
export function structuredEvent({ id, source, type, partitionkey, attributesJson, dataJson }: LogEvent): string {
  const more = attributesJson.slice(1, -1)
  return `{"specversion":"1.0","id":${JSON.stringify(id)},"source":${JSON.stringify(source)},"type":${JSON.stringify(type)}${
    more === '' ? '' : `,${more}`
  }${partitionkey === undefined ? '' : `,"partitionkey":${JSON.stringify(partitionkey)}`}${
    dataJson === undefined ? '' : `,"data":${dataJson}`
  }}`
}

const written = new WeakMap<LogEvent, string>()

/** The same, written once for all who are handed the same event: a live tail hands one to each of its readers. */
export function structuredOnce(event: LogEvent): string {
  const known = written.get(event)
  if (known !== undefined) return known
  const text = structuredEvent(event)
  written.set(event, text)
  return text
}

/** Whether the event is for this group: one that was redriven after its entry was trimmed is for one group alone. */
export const isFor = (group: string, { attributesJson }: LogEvent) =>
  !attributesJson.includes('"mqgroup":') || (JSON.parse(attributesJson) as { mqgroup?: unknown }).mqgroup === group
