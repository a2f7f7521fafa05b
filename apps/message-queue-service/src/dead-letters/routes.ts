import { room } from '@santaclaude/service/room'
import { groupParams as params } from '../groups/schemas.ts'
import type { QueuePorts } from '../ports.ts'
import { deleteLetter, deleteLetters } from './delete.ts'
import { filterOf, listLetters, placeOf } from './letters.ts'
import { getRedrive, listRedrives, previewRedrive, startRedrive, stopRedrive } from './redrive.ts'
import {
  DeadLetter,
  DeadLetterList,
  DeletedLetters,
  deleteQuery,
  letterParams,
  letterQuery,
  Redrive,
  RedriveList,
  RedrivePreview,
  RedriveWish,
  redriveParams,
} from './schemas.ts'

const json = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })
const answer = (description: string, name: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
})
const typesOf = (type: string | undefined) => (type === undefined ? {} : { types: type.split(',') })

/** Dead letters of a group: looked through, deleted, redriven. */
export const deadLetters = (ports: QueuePorts) =>
  room('/v1/topics/:topic/groups/:group/dead-letters')
    .model({ DeadLetter, DeadLetterList, DeletedLetters, RedriveWish, RedrivePreview, Redrive, RedriveList })
    .get(
      '',
      async ({ params, query: { limit = 100, order = 'newest', after, type, ...which }, who: { tenant } }) => {
        const place = after === undefined ? {} : { after: placeOf(after) }
        const wish = { ...filterOf({ ...which, ...typesOf(type) }), limit, order, ...place }
        return json(await listLetters(ports.log, { tenant, ...params }, wish))
      },
      {
        scope: 'events:consume',
        params,
        query: letterQuery,
        detail: {
          summary: 'List the dead letters of a group',
          description: 'Events that were delivered too often, or terminated; the newest first unless said.',
          responses: { 200: answer('A page of dead letters.', 'DeadLetterList') },
        },
      },
    )
    .delete(
      '',
      ({ params, query: { type, ...which }, who }) =>
        deleteLetters(ports, who, {
          address: { tenant: who.tenant, ...params },
          which: filterOf({ ...which, ...typesOf(type) }),
        }),
      {
        scope: 'events:admin',
        params,
        query: deleteQuery,
        response: { 200: 'DeletedLetters' },
        detail: {
          summary: 'Delete dead letters for good',
          description: 'Those that fit the query, or all; the oldest first, at most 1,000 a call.',
        },
      },
    )
    .delete(
      '/:letter',
      async ({ params: { letter, ...at }, who, status }) => {
        await deleteLetter(ports, who, { tenant: who.tenant, ...at, place: placeOf(letter) })
        return status(204, undefined)
      },
      { scope: 'events:admin', params: letterParams, detail: { summary: 'Delete one dead letter for good' } },
    )
    .post(
      '/redrive',
      async ({ params, body: { dryRun = false, target, ratePerSecond = 100, ...which }, who, status }) => {
        const address = { tenant: who.tenant, ...params }
        if (dryRun) return json(await previewRedrive(ports.log, address, filterOf(which)))
        const to = target === undefined ? {} : { target }
        const wish = { which: filterOf(which), ratePerSecond, ...to }
        return status(202, await startRedrive(ports, who, { address, wish }))
      },
      {
        scope: 'events:admin',
        idempotent: true,
        params,
        body: 'RedriveWish',
        response: { 202: 'Redrive' },
        detail: {
          summary: 'Move dead letters back, or say what would move',
          description:
            'Those that died until now and fit what is asked for, the oldest first, no faster than the rate. Each moves in one step: it is in its group or among the dead letters, never in both and never in neither, whatever is killed. Back in its group it has its old place, or, where retention has removed that, a new one with the attribute `mqoriginalid`; a topic as target gets it as a new event with `mqoriginalid` and `mqoriginaltopic`. The event keeps its id.',
          responses: { 200: answer('With dryRun: what would be moved.', 'RedrivePreview') },
        },
      },
    )
    .get('/redrives', ({ params, who: { tenant } }) => listRedrives(ports, { tenant, ...params }), {
      scope: 'events:consume',
      params,
      response: { 200: 'RedriveList' },
      detail: {
        summary: 'List the redrives of a group',
        description: 'The newest first; the last 200 of a tenant are kept.',
      },
    })
    .get(
      '/redrives/:redrive',
      ({ params: { redrive: id, ...at }, who: { tenant } }) => getRedrive(ports, { tenant, ...at, id }),
      {
        scope: 'events:consume',
        params: redriveParams,
        response: { 200: 'Redrive' },
        detail: { summary: 'Say how far a redrive is' },
      },
    )
    .delete(
      '/redrives/:redrive',
      ({ params: { redrive: id, ...at }, who }) => stopRedrive(ports, who, { tenant: who.tenant, ...at, id }),
      {
        scope: 'events:admin',
        params: redriveParams,
        response: { 200: 'Redrive' },
        detail: { summary: 'Stop a redrive', description: 'What it has moved stays moved.' },
      },
    )
