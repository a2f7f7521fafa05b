import { exchangeNow, room } from '@santaclaude/service/room'
import { lagOf } from '../explain/pending.ts'
import type { QueuePorts } from '../ports.ts'
import { topicParams } from '../topics/schemas.ts'
import { deleteGroup } from './delete.ts'
import { pauseGroup, seekGroup } from './move.ts'
import { pull } from './pull.ts'
import { putGroup } from './put.ts'
import { getGroup, listGroups } from './read.ts'
import {
  Delivery,
  Group,
  GroupList,
  GroupWish,
  Lag,
  Pulled,
  PullWish,
  groupParams as params,
  SeekWish,
  SettleResults,
  SettleWish,
} from './schemas.ts'
import { settle } from './settle.ts'

const scope = 'events:consume'
const json = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })
const answer = (description: string, name: string) => ({
  200: { description, content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } },
})

/** Ends a wait when the client goes or the service drains. */
const leaving = (request: Request) => AbortSignal.any([request.signal, exchangeNow().house.drain.streamsEnd])

/** Consumer groups: pull, settle, look. */
export const groups = (ports: QueuePorts) =>
  room('/v1/topics/:topic/groups')
    .model({
      Group,
      GroupList,
      GroupWish,
      PullWish,
      SeekWish,
      Delivery,
      Pulled,
      SettleWish,
      SettleResults,
      Lag,
    })
    .get('', ({ params: { topic }, who: { tenant } }) => listGroups(ports.log, { tenant, topic }), {
      scope,
      params: topicParams,
      response: { 200: 'GroupList' },
      detail: { summary: 'List the groups of a topic', description: 'By name.' },
    })
    .put(
      '/:group',
      async ({ params, body, who, status }) => {
        const { isNew, view } = await putGroup(ports, who, { ...params, wish: body })
        return isNew ? status(201, view) : status(200, view)
      },
      {
        scope,
        params,
        body: 'GroupWish',
        response: { 200: 'Group', 201: 'Group' },
        detail: { summary: 'Create a group, or set what is named', description: 'Repeating it changes nothing.' },
      },
    )
    .get('/:group', ({ params, who: { tenant } }) => getGroup(ports.log, { tenant, ...params }), {
      scope,
      params,
      response: { 200: 'Group' },
      detail: { summary: 'Describe a group' },
    })
    .delete(
      '/:group',
      async ({ params, who, status }) => {
        await deleteGroup(ports, who, params)
        return status(204, undefined)
      },
      {
        scope: 'events:admin',
        params,
        detail: {
          summary: 'Delete a group',
          description: 'With its leases and dead letters. The events of the topic stay.',
        },
      },
    )
    .post(
      '/:group/pull',
      async ({ params, body: { max = 10, waitMs = 0, maxBytes: bytesMax, ...more }, request, who: { tenant } }) =>
        json(
          await pull(
            ports,
            { tenant, ...params },
            { max, waitMs, signal: leaving(request), ...more, ...(bytesMax === undefined ? {} : { bytesMax }) },
          ),
        ),
      {
        scope,
        params,
        body: 'PullWish',
        detail: {
          summary: 'Take events under lease',
          description:
            'Waits up to `waitMs` for the first event and answers with what is there, at most `max`. Each delivery is yours until its lease ends; settle it with its receipt. What is not settled in time goes to somebody else.',
          responses: answer('The deliveries; none when the wait was over.', 'Pulled'),
        },
      },
    )
    .post(
      '/:group/settle',
      ({ params, body: { settlements }, who: { tenant } }) => settle(ports, { tenant, ...params }, settlements),
      {
        scope,
        params,
        body: 'SettleWish',
        response: { 200: 'SettleResults' },
        detail: {
          summary: 'Settle deliveries',
          description: 'Acknowledge, give back, extend or terminate, many at once, each with its own result.',
        },
      },
    )
    .post('/:group/pause', ({ params, who }) => pauseGroup(ports, who, { ...params, isPaused: true }), {
      scope: 'events:admin',
      params,
      response: { 200: 'Group' },
      detail: {
        summary: 'Pause a group',
        description: 'Nothing is handed out until it is resumed. What is under lease can still be settled.',
      },
    })
    .post('/:group/resume', ({ params, who }) => pauseGroup(ports, who, { ...params, isPaused: false }), {
      scope: 'events:admin',
      params,
      response: { 200: 'Group' },
      detail: { summary: 'Resume a paused group' },
    })
    .post('/:group/seek', ({ params, body, who }) => seekGroup(ports, who, { ...params, wish: body }), {
      scope: 'events:admin',
      params,
      body: 'SeekWish',
      response: { 200: 'Group' },
      detail: {
        summary: 'Move a group',
        description:
          'To an end, a time, a cursor, or so that one event is delivered next. What was under lease or parked where it moves is given up: late receipts answer `lease_lost`. Dead letters stay. A cursor from before the topic lost data is refused with `epoch_changed`, one whose place retention has passed with `cursor_expired`.',
      },
    })
    .get('/:group/lag', ({ params, who: { tenant } }) => lagOf(ports.log, { tenant, ...params }), {
      scope,
      params,
      response: { 200: 'Lag' },
      detail: { summary: 'Say how far behind a group is' },
    })
