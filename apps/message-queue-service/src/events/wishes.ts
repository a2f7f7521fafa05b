import type { Due, Durability } from '@santaclaude/log/port'
import { Fault } from '@santaclaude/service/faults'

/** How the events of one request want to be kept. */
export interface Wishes {
  durability?: Partial<Durability>
  /** For events that say none themselves. */
  partitionKey?: string
  ttlMs?: number
  due?: Due
  isAtomic: boolean
  expectedLastId?: string
}

const dayMs = 86_400_000
const delayMsMax = 366 * dayMs
const ttlMsMax = 3_650 * dayMs
const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: dayMs }
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/** Reads the `Mq-` headers of a publish request. Faults: validation_failed, naming the header. */
export function readWishes(headers: Headers, { isAtomic }: { isAtomic: boolean }): Wishes {
  const durability = read(headers, 'mq-durability', readDurability)
  const partitionKey = read(headers, 'mq-partition-key', readKey)
  const ttlMs = read(headers, 'mq-ttl', (text) => readDuration(text, { minMs: 1, maxMs: ttlMsMax }))
  const delayMs = read(headers, 'mq-delay', (text) => readDuration(text, { minMs: 0, maxMs: delayMsMax }))
  const atMs = read(headers, 'mq-deliver-at', readTime)
  const expectedLastId = read(headers, 'mq-expected-last-id', readStreamId)
  if (delayMs !== undefined && atMs !== undefined) throw misfit('mq-deliver-at', 'cannot stand beside Mq-Delay')
  const due: Due | undefined = delayMs !== undefined ? { delayMs } : atMs !== undefined ? { atMs } : undefined
  if (due && (isAtomic || expectedLastId !== undefined))
    throw misfit('mq-delay', 'gives events no place yet, so they cannot be one whole or expect a last id')
  return {
    isAtomic,
    ...(durability === undefined ? {} : { durability }),
    ...(partitionKey === undefined ? {} : { partitionKey }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(due === undefined ? {} : { due }),
    ...(expectedLastId === undefined ? {} : { expectedLastId }),
  }
}

/** A durability as it is asked for and answered: `aof`, or `fsync, replicas=1`. */
export const durabilityText = ({ level, replicas }: Durability) =>
  replicas > 0 ? `${level}, replicas=${replicas}` : level

type Reading<Value> = { value: Value } | { error: string }

function read<Value>(headers: Headers, name: string, as: (text: string) => Reading<Value>): Value | undefined {
  const text = headers.get(name)
  if (text === null) return undefined
  const reading = as(text.trim())
  if ('error' in reading) throw misfit(name, reading.error)
  return reading.value
}

function readDurability(text: string): Reading<Partial<Durability>> {
  const wish: Partial<Durability> = {}
  for (const part of text.split(',').map((part) => part.trim())) {
    const replicas = /^replicas=([1-9]\d?)$/.exec(part)?.[1]
    if (replicas !== undefined) wish.replicas = Number(replicas)
    else if (part === 'memory' || part === 'aof' || part === 'fsync') wish.level = part
    else return { error: 'must be memory, aof or fsync, or replicas=1 to 99, or both' }
  }
  return { value: wish }
}

function readDuration(text: string, { minMs, maxMs }: { minMs: number; maxMs: number }): Reading<number> {
  const match = /^(\d{1,15})(ms|s|m|h|d)?$/.exec(text)
  const ms = match ? Number(match[1]) * (units[match[2] ?? 'ms'] as number) : Number.NaN
  if (ms >= minMs && ms <= maxMs) return { value: ms }
  return { error: `must be milliseconds, or a number with ms, s, m, h or d, up to ${maxMs / dayMs} days` }
}

function readTime(text: string): Reading<number> {
  const ms = timeForm.test(text) ? Date.parse(text) : Number.NaN
  if (ms >= 0 && ms <= Date.now() + delayMsMax) return { value: ms }
  return { error: 'must be a time as RFC 3339 writes it, at most 366 days away' }
}

const readStreamId = (text: string): Reading<string> =>
  /^\d{1,15}-\d{1,16}$/.test(text) ? { value: text } : { error: 'must be a streamId from an earlier answer, or 0-0' }

const readKey = (text: string): Reading<string> =>
  text.length >= 1 && text.length <= 256 ? { value: text } : { error: 'must be a text of 1 to 256 characters' }

const misfit = (name: string, message: string) =>
  new Fault('validation_failed', {
    detail: `The header ${name} ${message}.`,
    errors: [{ path: `/headers/${name}`, message }],
  })
