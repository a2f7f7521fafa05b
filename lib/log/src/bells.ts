import type { Redis } from 'ioredis'
import { bellOf } from './names.ts'
import type { TopicAddress } from './port.ts'

/**
 * Something came: a new entry up to `lastId`, or what `group` has parked or under lease changed. Nothing said = look
 * everywhere.
 */
export interface Ring {
  partition: number
  lastId?: string
  group?: string
  /** The group's settings or its place changed: what is remembered of it is old. */
  isChange?: boolean
}

export type Listener = (ring: Ring | undefined) => void

/**
 * The doorbell: one subscribed connection per process wakes every waiter in it, so a thousand waiters cost Redis no more
 * than one. A message can be lost (pub/sub promises nothing), so a sweep wakes everybody once a second, and after each
 * reconnect at once.
 */
export class Bells {
  private readonly listeners = new Map<string, Set<Listener>>()
  private readonly sweep: ReturnType<typeof setInterval>
  private emptyRounds = 0

  constructor(
    private readonly redis: Redis,
    { sweepMs = 1_000 }: { sweepMs?: number } = {},
  ) {
    redis.on('message', (channel: string, text: string) => this.ring(channel, parseRing(text)))
    redis.on('ready', () => {
      if (this.listeners.size > 0) this.subscribe(...this.listeners.keys())
    })
    this.sweep = setInterval(() => this.round(), sweepMs)
  }

  /** Calls `listener` at every ring of the topic's bell until the returned function is called. */
  listen(address: TopicAddress, listener: Listener): () => void {
    return this.hear(bellOf(address), listener)
  }

  /** The same for a bell of another name. */
  hear(channel: string, listener: Listener): () => void {
    const known = this.listeners.get(channel)
    const here = known ?? new Set<Listener>()
    if (!known) {
      this.listeners.set(channel, here)
      this.subscribe(channel)
    }
    here.add(listener)
    return () => {
      here.delete(listener)
    }
  }

  /** Rings for those in this process without waiting for the message to come round. */
  ringHere(address: TopicAddress, ring: Ring) {
    this.ring(bellOf(address), ring)
  }

  close() {
    clearInterval(this.sweep)
    this.listeners.clear()
  }

  private ring(channel: string, ring: Ring | undefined) {
    for (const listener of this.listeners.get(channel) ?? []) listener(ring)
  }

  private subscribe(...channels: string[]) {
    // A subscription that fails comes again with the next 'ready'; until then the sweep does the waking.
    // What came before it took hold was not heard, so everybody looks once.
    const look = () => {
      for (const channel of channels) this.ring(channel, undefined)
    }
    this.redis.subscribe(...channels).then(look, () => {})
  }

  private round() {
    for (const channel of this.listeners.keys()) this.ring(channel, undefined)
    // Waiters come and go with every request: a channel is left only in a quiet moment, not with its last waiter.
    if (++this.emptyRounds % 10 !== 0) return
    const idle = [...this.listeners].filter(([, here]) => here.size === 0).map(([channel]) => channel)
    for (const channel of idle) this.listeners.delete(channel)
    if (idle.length > 0) this.redis.unsubscribe(...idle).catch(() => {})
  }
}

/** `<partition> <stream id>`, `<partition> !<group>` as the scripts publish it, or `0 ?<group>` after a change. */
function parseRing(text: string): Ring | undefined {
  const [partition = '', what = ''] = text.split(' ')
  if (what.startsWith('!')) return { partition: Number(partition), group: what.slice(1) }
  if (what.startsWith('?')) return { partition: Number(partition), group: what.slice(1), isChange: true }
  return { partition: Number(partition), lastId: what }
}
