import { structuredOnce } from '@santaclaude/log/event'
import type { GroupAddress, Start, TailItem, TopicAddress } from '@santaclaude/log/port'
import { textOf } from '../groups/pull.ts'
import type { QueuePorts } from '../ports.ts'
import { Feed, type FeedOptions } from '../streams/feed.ts'

/** How often a consumer is told how far behind its group is. */
const LAG_MS = 15_000

/** The way out for a subscription: resolves when the client can take more, rejects when it is gone or too slow. */
export type Send = (text: string) => Promise<void>

/** One thing a socket listens to. */
export interface Subscription {
  /** The group whose deliveries come, and the say over how many may be out. */
  leased?: { address: GroupAddress; feed: Feed }
  /** After the last frame that was sent; undefined where the group keeps the place. */
  readonly cursor: string | undefined
  /** Resolves when it was stopped and has given back what it held; rejects when it cannot go on. */
  run(): Promise<void>
  stop(): void
}

type Ports = Pick<QueuePorts, 'log' | 'meters'>

/** Everything that comes to a topic, from a place on. */
export function tailOf({ log, meters }: Ports, at: { sub: string; address: TopicAddress; from: Start }, send: Send) {
  const { sub, address, from } = at
  const stopping = new AbortController()
  const { signal } = stopping
  const head = JSON.stringify(sub)
  const state: { cursor: string | undefined } = { cursor: undefined }
  const frameOf = (item: TailItem) => {
    const start = `"sub":${head},"cursor":"${item.cursor}"`
    if (item.kind === 'ready') return `{"op":"ready",${start}}`
    if (item.kind === 'gap') return `{"op":"reset",${start},"gap":${JSON.stringify(item.gap)}}`
    return `{"op":"event",${start},"event":${structuredOnce(item.entry.event)}}`
  }
  const subscription: Subscription = {
    get cursor() {
      return state.cursor
    },
    async run() {
      for await (const item of log.tail(address, { from, signal })) {
        if (signal.aborted) return
        state.cursor = item.cursor
        if (item.kind === 'entry') meters.delivered.inc({ transport: 'socket' })
        await send(frameOf(item))
      }
    },
    stop: () => stopping.abort(),
  }
  return subscription
}

/** A group's deliveries. */
export function leaseOf(
  { log, meters }: Ports,
  at: { sub: string; address: GroupAddress; options: FeedOptions },
  send: Send,
): Subscription {
  const { sub, address, options } = at
  const stopping = new AbortController()
  const { signal } = stopping
  const head = JSON.stringify(sub)
  const feed = new Feed(log, address, options)
  const tellLag = () => {
    log.lag(address).then(
      (lag) => send(JSON.stringify({ op: 'lag', sub, ...lag })),
      () => {},
    )
  }
  return {
    leased: { address, feed },
    cursor: undefined,
    async run() {
      const lags = setInterval(tellLag, LAG_MS)
      try {
        await send(`{"op":"ready","sub":${head},"group":${JSON.stringify(address.group)},"credit":${options.credit}}`)
        for await (const deliveries of feed.deliveries(signal))
          for (const delivery of deliveries) {
            if (signal.aborted) break
            feed.seen(delivery.receipt)
            meters.delivered.inc({ transport: 'socket' })
            await send(`{"op":"event","sub":${head},${textOf(delivery).slice(1)}`)
          }
      } finally {
        clearInterval(lags)
      }
    },
    stop: () => stopping.abort(),
  }
}
