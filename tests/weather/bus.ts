import { connect } from 'node:net'
import { readSse } from '@santaclaude/kit/sse'
import type { Act, Delivered, GroupAt, Outcome, Publish, Settle, TopicAt } from './history.ts'

export const nowMs = () => performance.now()

/** What came of one request. */
export interface Answer {
  outcome: Outcome
  code?: string
  // biome-ignore lint/suspicious/noExplicitAny: the history says by its rules what an answer holds.
  body: any
}

export interface SentEvent {
  id: string
  partitionkey?: string
  bytes: number
}

/** These codes promise that nothing was done; every other failure may have done something. */
const refusals = new Set([
  ...['store_unavailable', 'audit_unavailable', 'storage_full', 'topic_full', 'draining', 'unauthenticated'],
  ...['topic_not_found', 'group_not_found', 'event_too_large', 'body_too_large', 'validation_failed'],
])

const eventOf = ({ id, partitionkey, bytes }: SentEvent) => ({
  ...{ specversion: '1.0', id, source: '/weather', type: 'weather.event.sent', data: { filler: 'x'.repeat(bytes) } },
  ...(partitionkey === undefined ? {} : { partitionkey }),
})

/** Speaks to the service as a client does, and writes every act into the history. */
export class Bus {
  constructor(
    private readonly keyOf: (tenant: string) => string,
    readonly acts: Act[],
  ) {}

  async ask(
    url: string,
    tenant: string,
    {
      method = 'POST',
      body,
      deadlineMs = 15_000,
      headers = {},
    }: { method?: string; body?: unknown; deadlineMs?: number; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const startMs = nowMs()
    try {
      const response = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${this.keyOf(tenant)}`, 'content-type': 'application/json', ...headers },
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (response.ok) return { outcome: 'ok', body: text === '' ? undefined : JSON.parse(text) }
      this.acts.push({ kind: 'said', tenant, startMs, endMs: nowMs(), text })
      const { code = 'none' } = JSON.parse(text) as { code?: string }
      return { outcome: refusals.has(code) ? 'refused' : 'unknown', code, body: undefined }
    } catch {
      return { outcome: 'unknown', code: 'no_answer', body: undefined }
    }
  }

  async publish(url: string, at: TopicAt, events: SentEvent[], delayMs?: number): Promise<Publish> {
    const startMs = nowMs()
    const [first] = events
    const body = events.length === 1 && first ? eventOf(first) : events.map(eventOf)
    const {
      outcome,
      code,
      body: answer,
    } = await this.ask(`${url}/v1/topics/${at.topic}/events`, at.tenant, {
      body,
      ...(delayMs === undefined ? {} : { headers: { 'mq-delay': `${delayMs}ms` } }),
    })
    const results = outcome !== 'ok' || delayMs !== undefined ? [] : events.length === 1 ? [answer] : answer.results
    return this.published(at, events, {
      ...{ startMs, outcome },
      ...(code === undefined ? {} : { code }),
      ...(delayMs === undefined ? {} : { delayMs }),
      results: results.map(
        ({ partition, streamId, duplicate }: { partition: number; streamId: string; duplicate: boolean }) => ({
          place: `${partition}/${streamId}`,
          isDuplicate: duplicate,
        }),
      ),
    })
  }

  /** Sends a publish and breaks the connection before the answer can come. */
  async publishAndReset(url: string, at: TopicAt, event: SentEvent): Promise<Publish> {
    const startMs = nowMs()
    const body = JSON.stringify(eventOf(event))
    const { hostname, port } = new URL(url)
    const head = [
      `POST /v1/topics/${at.topic}/events HTTP/1.1`,
      `host: ${hostname}:${port}`,
      `authorization: Bearer ${this.keyOf(at.tenant)}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ].join('\r\n')
    await new Promise<void>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.once('error', () => resolve())
      socket.once('close', () => resolve())
      socket.once('connect', () => socket.write(`${head}\r\n\r\n${body}`, () => socket.resetAndDestroy()))
    })
    return this.published(at, [event], { startMs, outcome: 'unknown', code: 'reset', results: [] })
  }

  private published(
    at: TopicAt,
    events: SentEvent[],
    more: Pick<Publish, 'startMs' | 'outcome' | 'code' | 'delayMs' | 'results'>,
  ): Publish {
    const [first] = events
    const key = first?.partitionkey
    const { tenant, topic } = at
    const act: Publish = {
      ...{ kind: 'publish', tenant, topic, endMs: nowMs(), ids: events.map(({ id }) => id) },
      ...(key === undefined ? {} : { partitionkey: key }),
      ...more,
    }
    this.acts.push(act)
    return act
  }

  async pull(
    url: string,
    { tenant, topic, group }: GroupAt,
    { max, waitMs }: { max: number; waitMs: number },
  ): Promise<Delivered[]> {
    const startMs = nowMs()
    const path = `${url}/v1/topics/${topic}/groups/${group}/pull`
    const { outcome, code, body } = await this.ask(path, tenant, { body: { max, waitMs } })
    const deliveries = (
      (body?.deliveries ?? []) as {
        receipt: string
        deliveries: number
        partition: number
        streamId: string
        event: { id: string }
      }[]
    ).map(({ receipt, deliveries: n, partition, streamId, event }) => ({
      id: event.id,
      place: `${partition}/${streamId}`,
      n,
      receipt,
    }))
    // Whether a pull that failed leased something is never certain.
    const seen = outcome === 'refused' && code !== 'group_not_found' && code !== 'topic_not_found' ? 'unknown' : outcome
    const act = {
      kind: 'pull',
      tenant,
      topic,
      group,
      startMs,
      endMs: nowMs(),
      outcome: seen,
      waitMs,
      deliveries,
    } as const
    this.acts.push({ ...act, ...(code === undefined ? {} : { code }) })
    return deliveries
  }

  async settle(
    url: string,
    { tenant, topic, group }: GroupAt,
    items: Omit<Settle['items'][number], 'result'>[],
  ): Promise<void> {
    const startMs = nowMs()
    const path = `${url}/v1/topics/${topic}/groups/${group}/settle`
    const { outcome, code, body } = await this.ask(path, tenant, { body: { settlements: items } })
    const results = (body?.results ?? []) as { ok: boolean; dead?: boolean }[]
    this.acts.push({
      ...{ kind: 'settle', tenant, topic, group, startMs, endMs: nowMs(), outcome },
      ...(code === undefined ? {} : { code }),
      items: items.map((item, n) => {
        const result = results[n]
        return { ...item, result: result === undefined ? 'unknown' : !result.ok ? 'lost' : result.dead ? 'dead' : 'ok' }
      }),
    })
  }

  async redrive(url: string, { tenant, topic, group }: GroupAt): Promise<void> {
    const startMs = nowMs()
    const path = `${url}/v1/topics/${topic}/groups/${group}/dead-letters/redrive`
    const { outcome } = await this.ask(path, tenant, { body: {} })
    this.acts.push({ kind: 'redrive', tenant, topic, group, startMs, endMs: nowMs(), outcome })
  }

  /** Reads a topic live until the signal; comes back after its last frame. Answers the cursor it stopped at. */
  async follow(
    url: string,
    at: TopicAt & { session: string },
    { cursor, signal, onFrame }: { cursor: string | undefined; signal: AbortSignal; onFrame: () => Promise<void> },
  ): Promise<string | undefined> {
    let last = cursor
    try {
      const response = await fetch(`${url}/v1/topics/${at.topic}/stream${last === undefined ? '?from=earliest' : ''}`, {
        headers: {
          authorization: `Bearer ${this.keyOf(at.tenant)}`,
          ...(last === undefined ? {} : { 'last-event-id': last }),
        },
        signal,
      })
      if (!response.ok || !response.body) return last
      for await (const { id, event, data } of readSse(response.body)) {
        if (event === 'end' || event === 'error') break
        const span = { kind: 'frame', ...at, startMs: nowMs(), endMs: nowMs() } as const
        if (event === 'mq.reset') {
          const { partition, from, to, reason } = JSON.parse(data)
          this.acts.push({ ...span, gap: { partition, from, to, isNewEpoch: reason === 'epoch_changed' } })
        } else if (event !== 'mq.ready') {
          const place = placeIn(last, id)
          if (place) this.acts.push({ ...span, entry: { id: (JSON.parse(data) as { id: string }).id, place } })
        }
        last = id
        await onFrame()
      }
    } catch {
      // The line broke: the reader comes back.
    }
    return last
  }
}

/** Where the entry of a frame lies: the one part of the cursor whose id moved (the epoch of another may be new). */
function placeIn(before: string | undefined, after: string): string | undefined {
  const idOf = (part = '') => part.split('-').slice(1).join('-')
  const [was, is] = [before?.split('.') ?? [], after.split('.')]
  const part = is.findIndex((text, n) => n > 0 && idOf(text) !== idOf(was[n]))
  const [ms = '', sequence = ''] = idOf(is[part]).split('-')
  if (part < 1) return undefined
  return `${part - 1}/${Number.parseInt(ms, 36)}-${Number.parseInt(sequence, 36)}`
}
