import { DeadlineError, within } from '@santaclaude/kit/deadline'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import { type Caller, isLive, type Scope } from '@santaclaude/service/keys'
import { faultOf } from '@santaclaude/service/refusal'
import type { Socket, SocketHandler } from '@santaclaude/service/socket'
import { readArrived } from '../events/arriving.ts'
import { publish } from '../events/publish.ts'
import { memberOf } from '../events/raw-json.ts'
import { startOf } from '../events/start.ts'
import { readWishes } from '../events/wishes.ts'
import { settle } from '../groups/settle.ts'
import { topicForReader } from '../platform.ts'
import type { Ports } from '../ports.ts'
import { type Addressed, addressOf, type ClientFrame, errorFrame, type FrameOf, readFrame } from './frames.ts'
import { leaseOf, type Subscription, tailOf } from './subscription.ts'

const SUBS_MAX = 64
/** Frames that may be worked on at once; more are refused. */
const WORKING_MAX = 256
/** What may wait for a client before its subscriptions pause. */
const WAITING_BYTES = 256 * 1024
const creditDefault = 100
const jsonHeaders = new Headers({ 'content-type': 'application/json' })
const utf8 = new TextEncoder()

type SettleFrame = FrameOf<'ack'> | FrameOf<'nack'> | FrameOf<'extend'> | FrameOf<'term'>

export interface ConnectionOptions {
  /** How long a client may take nothing before it is dropped. */
  stalledMs: number
  /** How often the key of an open socket is looked at again. */
  keyMs: number
}

/** One socket that speaks `mq.v1`: what it listens to, and what it asks for. */
export class Connection implements SocketHandler {
  private readonly subs = new Map<string, { subscription: Subscription; over: Promise<void> }>()
  private socket: Socket | undefined
  private keyTimer: ReturnType<typeof setInterval> | undefined
  private working = 0
  private publishing: Promise<unknown> = Promise.resolve()
  private roomy: { promise: Promise<void>; resolve(): void } | undefined
  private isOver = false

  constructor(
    private readonly ports: Ports,
    private readonly speaker: { caller: Caller; who: Who },
    private readonly options: ConnectionOptions,
  ) {}

  opened(socket: Socket) {
    this.socket = socket
    this.ports.meters.sockets.inc()
    this.keyTimer = setInterval(() => this.checkKey(), this.options.keyMs)
  }

  received(message: string | Uint8Array) {
    const text = typeof message === 'string' ? message : ''
    if (this.working >= WORKING_MAX) {
      this.refuse(addressOf(text), new Fault('rate_limited', { detail: 'Too many frames are being worked on.' }))
      return
    }
    this.working++
    this.answer(text)
      .catch((error) => this.refuse(addressOf(text), error))
      .finally(() => {
        this.working--
      })
  }

  drained() {
    this.roomy?.resolve()
  }

  async leaving() {
    await this.stopAll()
  }

  closed() {
    this.isOver = true
    clearInterval(this.keyTimer)
    this.ports.meters.sockets.dec()
    this.roomy?.resolve()
    this.stopAll().catch(() => {})
  }

  private async answer(text: string): Promise<void> {
    if (text === '') throw new Fault('validation_failed', { detail: 'Frames are texts.' })
    const frame = readFrame(text)
    const result = await this.act(frame, text)
    if (frame.ref !== undefined) this.tell(JSON.stringify({ op: 'done', ref: frame.ref, ...result }))
  }

  private act(frame: ClientFrame, text: string): Promise<object> {
    switch (frame.op) {
      case 'sub':
        return this.subscribe(frame)
      case 'unsub':
        return this.unsubscribe(frame)
      case 'credit':
        return this.giveCredit(frame)
      case 'pub': {
        // One after the other: the order of frames is the order of events.
        const turn = this.publishing.then(() => this.publish(frame, text))
        this.publishing = turn.catch(() => {})
        return turn
      }
      default:
        return this.settle(frame)
    }
  }

  private async subscribe({ sub, topic, group, from, since, credit, leaseMs }: FrameOf<'sub'>): Promise<object> {
    this.need('events:consume')
    const { ports } = this
    const { tenant } = this.speaker.who
    if (this.subs.has(sub)) throw new Fault('conflict', { detail: `There is a subscription '${sub}' already.` })
    if (this.subs.size >= SUBS_MAX) throw new Fault('quota_exceeded', { detail: `A socket may hold ${SUBS_MAX}.` })
    const send = (text: string) => this.send(text)
    if (group === undefined) {
      if (credit !== undefined || leaseMs !== undefined)
        throw new Fault('validation_failed', { detail: 'credit and leaseMs go with group.' })
      const start = startOf({ from, since, otherwise: 'latest' })
      await topicForReader(ports.log, { tenant, topic })
      // A place that cannot be read is refused before anything is promised.
      if ('cursor' in start) await ports.log.read({ tenant, topic }, { from: start, limit: 1 })
      await this.start(sub, tailOf(ports, { sub, address: { tenant, topic }, from: start }, send))
      return {}
    }
    if (from !== undefined || since !== undefined)
      throw new Fault('validation_failed', { detail: 'A group keeps its own place: from and since go without group.' })
    const address = { tenant, topic, group }
    if (!(await ports.log.group(address))) throw new Fault('group_not_found')
    const options = { credit: credit ?? creditDefault, ...(leaseMs === undefined ? {} : { leaseMs }) }
    await this.start(sub, leaseOf(ports, { sub, address, options }, send))
    return {}
  }

  private async start(sub: string, subscription: Subscription): Promise<void> {
    const close = await this.ports.quotas.stream(this.speaker.who.tenant)
    if (this.isOver || this.subs.has(sub)) return close()
    const over = subscription
      .run()
      .catch((error) => this.refuse({ sub }, error))
      .finally(() => {
        this.subs.delete(sub)
        close()
      })
    this.subs.set(sub, { subscription, over })
  }

  private async unsubscribe({ sub }: FrameOf<'unsub'>): Promise<object> {
    const { subscription, over } = this.subOf(sub)
    subscription.stop()
    await over
    return subscription.cursor === undefined ? {} : { cursor: subscription.cursor }
  }

  private async giveCredit({ sub, credit }: FrameOf<'credit'>): Promise<object> {
    this.leasedOf(sub).feed.credit = credit
    return {}
  }

  private async publish(frame: FrameOf<'pub'>, text: string): Promise<object> {
    this.need('events:publish')
    const { caller, who } = this.speaker
    const { topic, key: idempotencyKey } = frame
    // From the text itself, so that data stays as it was written.
    const arrived = readArrived(jsonHeaders, utf8.encode(memberOf(text, 'events')))
    const isInternal = caller.scopes.has('internal')
    return publish(this.ports, who, { topic, arrived, idempotencyKey, isInternal, wishes: wishesOf(frame) })
  }

  private async settle(frame: SettleFrame): Promise<object> {
    const { address } = this.leasedOf(frame.sub)
    const { op, receipts, ref: _, sub, ...how } = frame
    const { results } = await settle(
      this.ports,
      address,
      receipts.map((receipt) => ({ op, receipt, ...how })),
    )
    const refused = results.flatMap(({ ok, code, receipt }) => (ok ? [] : [{ receipt, code }]))
    if (frame.ref === undefined && refused.length > 0)
      this.tell(JSON.stringify({ op: 'error', sub, code: refused[0]?.code, refused, retryable: false }))
    return { results }
  }

  private subOf(sub: string) {
    const found = this.subs.get(sub)
    if (!found) throw new Fault('not_found', { detail: `There is no subscription '${sub}'.` })
    return found
  }

  private leasedOf(sub: string) {
    const { leased } = this.subOf(sub).subscription
    if (!leased) throw new Fault('validation_failed', { detail: `The subscription '${sub}' is of no group.` })
    return leased
  }

  private need(scope: Scope) {
    if (!this.speaker.caller.scopes.has(scope))
      throw new Fault('forbidden', { detail: `This needs a key with the scope ${scope}.` })
  }

  /** For answers: they go out however slow the client is, as far as the server lets them. */
  private tell(text: string) {
    if (!this.isOver) this.socket?.send(text)
  }

  private refuse(to: Addressed, error: unknown) {
    this.tell(errorFrame(to, faultOf(error), this.speaker.who.requestId))
  }

  /** For events: waits while the client is behind, and drops it when it takes nothing for too long. */
  private async send(text: string): Promise<void> {
    const { socket } = this
    if (this.isOver || !socket) return
    const how = socket.send(text)
    if (how === 'sent' && socket.buffered < WAITING_BYTES) return
    if (how === 'dropped') return this.drop()
    if (!this.roomy) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.roomy = { promise, resolve }
    }
    const { roomy } = this
    try {
      await within(this.options.stalledMs, 'reading', roomy.promise)
    } catch (error) {
      if (error instanceof DeadlineError) this.drop()
    } finally {
      if (this.roomy === roomy) this.roomy = undefined
    }
  }

  /** Each subscription is told where it can be taken up again; then the socket closes. */
  private drop() {
    if (this.isOver) return
    for (const [sub, { subscription }] of this.subs) {
      const { cursor } = subscription
      this.tell(JSON.stringify({ op: 'dropped', sub, ...(cursor === undefined ? {} : { cursor }) }))
    }
    this.isOver = true
    this.ports.meters.dropped.inc({ transport: 'socket' })
    this.socket?.close(1013, 'reads too slowly')
    this.stopAll().catch(() => {})
  }

  private async stopAll(): Promise<void> {
    const open = [...this.subs.values()]
    for (const { subscription } of open) subscription.stop()
    this.roomy?.resolve()
    await Promise.all(open.map(({ over }) => over))
  }

  /** A key that was revoked closes its sockets; a store that cannot be asked does not. */
  private async checkKey(): Promise<void> {
    const key = await this.ports.keys.find(this.speaker.caller.keyId).catch(() => 'unknown' as const)
    if (key === 'unknown' || (key && isLive(key, Date.now()))) return
    this.socket?.close(1008, 'the key is no longer good')
  }
}

/** The wishes of a frame, read as the headers of a request are. */
function wishesOf(frame: FrameOf<'pub'>) {
  const headers = new Headers()
  for (const [name, header] of wishHeaders) if (frame[name] !== undefined) headers.set(header, frame[name])
  return readWishes(headers, { isAtomic: frame.atomic ?? false })
}

const wishHeaders = [
  ['durability', 'mq-durability'],
  ['partitionKey', 'mq-partition-key'],
  ['ttl', 'mq-ttl'],
  ['delay', 'mq-delay'],
  ['deliverAt', 'mq-deliver-at'],
  ['expectedLastId', 'mq-expected-last-id'],
] as const
