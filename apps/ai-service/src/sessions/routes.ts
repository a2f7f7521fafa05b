import { room } from '@santaclaude/service/room'
import { eventStream } from '@santaclaude/service/stream'
import { chatInSession, eventsFrom, placeOf, startTurn, type TurnPorts } from './chat.ts'
import { createSession } from './create.ts'
import { deleteSession } from './delete.ts'
import {
  messagesQuery,
  pageQuery,
  Session,
  SessionPage,
  SessionWish,
  SessionWithMessages,
  streamAnswer,
  TurnAnswer,
  TurnInput,
} from './schemas.ts'
import { getSession, listSessions } from './show.ts'

/** Conversations that are kept here, whoever the provider is. */
export const sessions = (ports: TurnPorts) =>
  room('/v1/sessions')
    .model({ Session, SessionPage, SessionWish, SessionWithMessages, TurnAnswer, TurnInput })
    .post('', async ({ body, who, status }) => status(201, await createSession(ports, who, body)), {
      scope: 'ai:invoke',
      idempotent: true,
      body: 'SessionWish',
      response: { 201: 'Session' },
      detail: {
        summary: 'Create a session',
        description: 'It is kept until a week after its last use (`SESSION_TTL_SECONDS`).',
      },
    })
    .get('', ({ query, who }) => listSessions(ports.sessions, who.tenant, query), {
      scope: 'ai:invoke',
      query: pageQuery,
      response: { 200: 'SessionPage' },
      detail: { summary: 'List the sessions', description: 'Newest first.' },
    })
    .get('/:id', ({ params: { id }, query, who }) => getSession(ports.sessions, { tenant: who.tenant, id }, query), {
      scope: 'ai:invoke',
      query: messagesQuery,
      response: { 200: 'SessionWithMessages' },
      detail: {
        summary: 'Show a session with its messages',
        description: 'Messages in their order, a page at a time.',
      },
    })
    .delete(
      '/:id',
      async ({ params, who }) => {
        await deleteSession(ports, who, params.id)
        return new Response(null, { status: 204 })
      },
      {
        scope: 'ai:invoke',
        detail: {
          summary: 'Delete a session with its messages',
          description: 'A turn in progress can no longer keep its answer.',
          responses: { 204: { description: 'It is gone.' } },
        },
      },
    )
    .post(
      '/:id/chat',
      ({ params, body, who, request: { signal } }) =>
        chatInSession(ports, { who, sessionId: params.id, input: body, signal }),
      {
        scope: 'ai:invoke',
        idempotent: true,
        body: 'TurnInput',
        response: { 200: 'TurnAnswer' },
        detail: {
          summary: 'Take a turn and wait for the answer',
          description:
            'Sends what is new together with the history. `finishReason` `tool_calls`: run the calls and send their results as `messages` of the next turn. A turn that fails leaves the session as it was.',
        },
      },
    )
    .post(
      '/:id/stream',
      async ({ params: { id }, body, who }) => {
        const place = await startTurn(ports, { who, sessionId: id, input: body })
        return eventStream((signal) => eventsFrom(ports, { tenant: who.tenant, id }, place, signal), {
          endsItself: true,
        })
      },
      {
        scope: 'ai:invoke',
        body: 'TurnInput',
        detail: {
          summary: 'Take a turn as a stream of events',
          description:
            'The turn runs on when the connection breaks: read on with GET on the same address and the last id as `Last-Event-ID`.',
          responses: streamAnswer,
        },
      },
    )
    .get(
      '/:id/stream',
      async ({ params: { id }, who, request }) => {
        const address = { tenant: who.tenant, id }
        const place = await placeOf(ports, address, request.headers.get('last-event-id'))
        return eventStream((signal) => eventsFrom(ports, address, place, signal), { endsItself: true })
      },
      {
        scope: 'ai:invoke',
        detail: {
          summary: 'Read on in a turn’s stream',
          description:
            'After the event `Last-Event-ID` names; without the header, the turn in progress from its start. Any replica answers. Events are kept for ten minutes.',
          responses: streamAnswer,
        },
      },
    )
