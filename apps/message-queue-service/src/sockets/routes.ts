import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import { upgradeToSocket } from '@santaclaude/service/socket'
import { issueTicket } from '@santaclaude/service/tickets'
import type { Ports } from '../ports.ts'
import { Connection, type ConnectionOptions } from './connection.ts'

/** The subprotocol of this version of the frames. */
export const protocol = 'mq.v1'

const Ticket = t.Object(
  { ticket: t.String(), expiresAt: t.String({ format: 'date-time' }) },
  { description: 'Opens one WebSocket in the name of the key it was issued to.' },
)

const description = `Subprotocol \`${protocol}\`; every frame is a JSON text with an \`op\`. Programs send their key as a header; browsers, which cannot, first ask for a ticket and open \`/v1/ws?ticket=…\`.

From the client: \`sub\` {sub, topic, from | since} follows a topic from a place (\`latest\` unless said) · \`sub\` {sub, topic, group, credit, leaseMs} consumes for a group, at most \`credit\` (100) unsettled · \`credit\` {sub, credit} changes that · \`ack\` \`nack\` \`extend\` \`term\` {sub, receipts, delayMs, leaseMs, reason} · \`pub\` {topic, events, key, durability, partitionKey, ttl, delay, deliverAt, expectedLastId, atomic} · \`unsub\` {sub}. With \`ref\` a frame is answered \`done\` {ref, …}.

From the server: \`ready\` {sub, cursor} · \`event\` {sub, event, cursor | receipt, deliveries} · \`reset\` {sub, gap, cursor}: what could not be read because its place is gone · \`lag\` {sub, …} every 15 s · \`dropped\` {sub, cursor}: this client took nothing for too long, the socket closes with 1013 and can be taken up at the cursor · \`error\` {ref, sub, code, detail, retryable} · \`done\`.

When the service stops, sockets close with 1001. What a closed socket had not settled goes back to its group at once.`

/** Everything over one WebSocket. */
export const sockets = (ports: Ports, { stalledMs = 10_000, keyMs = 30_000 }: Partial<ConnectionOptions> = {}) =>
  room('/v1/ws')
    .model({ Ticket })
    .get(
      '',
      ({ caller, who }) =>
        upgradeToSocket(protocol, () => new Connection(ports, { caller, who }, { stalledMs, keyMs })),
      {
        scope: 'any',
        detail: {
          summary: 'Publish and consume over a WebSocket',
          description,
          responses: { 101: { description: `A WebSocket that speaks ${protocol}.` } },
        },
      },
    )
    .post(
      '/tickets',
      async ({ caller, status }) => {
        const { ticket, expiresAtMs } = await issueTicket(ports.tickets, caller)
        return status(201, { ticket, expiresAt: new Date(expiresAtMs).toISOString() })
      },
      {
        scope: 'any',
        response: { 201: 'Ticket' },
        detail: {
          summary: 'Ask for a ticket to open a WebSocket',
          description: 'For browsers. Good for one socket, within 30 seconds, with the scopes of this key.',
        },
      },
    )
