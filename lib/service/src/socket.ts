import { within } from '@santaclaude/kit/deadline'
import type { ServerWebSocket, WebSocketHandler } from 'bun'
import { during, type Exchange } from './exchange.ts'
import { Fault } from './faults.ts'
import { exchangeNow } from './room.ts'

/** One open WebSocket, as its handler sees it. */
export interface Socket {
  /**
   * `sent`; `queued`: the client reads too slowly, the text waits in memory; `dropped`: too much was waiting, the text is
   * lost. After `queued` send no more until `drained`.
   */
  send(text: string): 'sent' | 'queued' | 'dropped'
  /** Ends the connection. Codes: RFC 6455 §7.4. */
  close(code: number, reason: string): void
  /** Bytes that wait for the client. */
  readonly buffered: number
}

/** What an app does with a socket. Every call runs inside the exchange of the request that opened it. */
export interface SocketHandler {
  opened(socket: Socket): void
  received(message: string | Uint8Array): void
  /** What was queued has gone out. */
  drained(): void
  /** The service stops: give back what is held. The socket closes with 1001 when this resolves, after 2 s at the latest. */
  leaving(): Promise<void>
  closed(code: number, reason: string): void
}

/** What a server keeps with each socket. */
export interface SocketData {
  handler: SocketHandler
  exchange: Exchange
  protocol: string
}

/** The largest message a client may send; a larger one closes its socket with 1009. */
export const messageBytesMax = 8 * 1_048_576
/** What may wait for one client before texts are dropped. A handler stops far below. */
const backpressureBytesMax = 16 * 1_048_576
const leaveMs = 2_000

/**
 * Turns the request of this exchange into a WebSocket of one subprotocol, which the client has to offer. The answer is
 * for the route to return; the request is counted and logged when the socket closes. Only under `run`: elsewhere, and for
 * a request that is no upgrade, `upgrade_required`.
 */
export function upgradeToSocket(protocol: string, open: () => SocketHandler): Response {
  const exchange = exchangeNow()
  const { request, house, requestId } = exchange
  if (house.drain.isDraining) throw new Fault('draining')
  const offered =
    request.headers
      .get('sec-websocket-protocol')
      ?.split(',')
      .map((one) => one.trim()) ?? []
  if (!offered.includes(protocol)) throw required(`Offer the subprotocol ${protocol}.`)
  const data: SocketData = { handler: open(), exchange, protocol }
  if (!house.upgrade(request, data, { 'sec-websocket-protocol': protocol, 'x-request-id': requestId }))
    throw required('This request is no WebSocket upgrade.')
  exchange.streaming = true
  // The server has answered 101 by now and looks at no other answer.
  return new Response(null)
}

const required = (detail: string) =>
  new Fault('upgrade_required', { detail, headers: { upgrade: 'websocket', connection: 'Upgrade' } })

/** What `Bun.serve` calls for every socket of the service. */
export const socketEvents: WebSocketHandler<SocketData> = {
  maxPayloadLength: messageBytesMax,
  backpressureLimit: backpressureBytesMax,
  closeOnBackpressureLimit: false,
  // Bun pings a quiet client in time; one that does not answer is closed.
  idleTimeout: 60,
  sendPings: true,
  open(ws) {
    const { handler, exchange } = ws.data
    const { streamsEnd } = exchange.house.drain
    const leave = () => {
      during(exchange, () => within(leaveMs, 'leaving', handler.leaving()))
        .catch(() => {})
        .finally(() => close(ws, 1001, 'draining'))
    }
    if (streamsEnd.aborted) leave()
    else streamsEnd.addEventListener('abort', leave, { once: true })
    leaves.set(ws.data, () => streamsEnd.removeEventListener('abort', leave))
    during(exchange, () => handler.opened(socketOf(ws)))
  },
  message(ws, message) {
    during(ws.data.exchange, () => ws.data.handler.received(message))
  },
  drain(ws) {
    during(ws.data.exchange, () => ws.data.handler.drained())
  },
  close(ws, code, reason) {
    const { handler, exchange } = ws.data
    leaves.get(ws.data)?.()
    try {
      during(exchange, () => handler.closed(code, reason))
    } finally {
      exchange.house.finish(exchange, 101)
    }
  },
}

/** How each open socket stops listening for the drain. */
const leaves = new WeakMap<SocketData, () => void>()

const socketOf = (ws: ServerWebSocket<SocketData>): Socket => ({
  send(text) {
    const sent = ws.sendText(text)
    return sent > 0 ? 'sent' : sent < 0 ? 'queued' : 'dropped'
  },
  close: (code, reason) => close(ws, code, reason),
  get buffered() {
    return ws.getBufferedAmount()
  },
})

/** A client that does not answer the close is cut off. */
function close(ws: ServerWebSocket<SocketData>, code: number, reason: string) {
  ws.close(code, reason)
  setTimeout(() => ws.terminate(), leaveMs).unref()
}
