import { room } from '@santaclaude/service/room'
import type { Archive } from '../store/port.ts'
import { type AppendPorts, append, appendBatch } from './append.ts'
import { find, search } from './read.ts'
import { Event, EventPage, IdParams, NewEvent, NewEvents, Receipt, Receipts, SearchQuery } from './schemas.ts'

export interface EventPorts extends AppendPorts {
  archive: Archive
}

const keyOf = (request: Request) => request.headers.get('idempotency-key') ?? undefined

/** Audit events: sent in, found, read. */
export const events = (ports: EventPorts) =>
  room('/v1/events')
    .model({ NewEvent, NewEvents, Receipt, Receipts, Event, EventPage })
    .post(
      '',
      async ({ body, who, request, status }) => {
        const receipt = await append(ports, { who, idempotencyKey: keyOf(request) }, body)
        return receipt.status === 'appended' ? status(201, receipt) : status(200, receipt)
      },
      {
        scope: 'audit:write',
        idempotent: true,
        body: 'NewEvent',
        response: { 201: 'Receipt', 200: 'Receipt' },
        detail: {
          summary: 'Record an event',
          description:
            'Answered once the event is in the log: from then on it is owed to the store, and can be read about two seconds later. 200 instead of 201 when the same event was there already.',
        },
      },
    )
    .post(
      '/batch',
      async ({ body, who, request, status }) =>
        status(201, { receipts: await appendBatch(ports, { who, idempotencyKey: keyOf(request) }, body.events) }),
      {
        scope: 'audit:write',
        idempotent: true,
        body: 'NewEvents',
        response: { 201: 'Receipts' },
        detail: {
          summary: 'Record up to 1000 events',
          description: 'If one does not fit the schema none is taken; otherwise each has its own receipt.',
        },
      },
    )
    .get(
      '',
      ({ query: { q, order = 'newest', limit = 100, ...rest }, who }) =>
        search(ports.archive, who.tenant, { ...rest, order, limit, ...(q === undefined ? {} : { text: q }) }),
      {
        scope: 'audit:read',
        query: SearchQuery,
        response: { 200: 'EventPage' },
        detail: {
          summary: 'Find events',
          description:
            'All filters must match. Ordered by the time of occurrence; an event that is sent late takes its place in the past.',
        },
      },
    )
    .get('/:id', ({ params, who }) => find(ports.archive, who.tenant, params.id), {
      scope: 'audit:read',
      params: IdParams,
      response: { 200: 'Event' },
      detail: { summary: 'Get an event' },
    })
