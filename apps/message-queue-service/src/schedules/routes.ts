import { room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { putSchedule } from './put.ts'
import { deleteSchedule, getSchedule, listSchedules, pauseSchedule } from './read.ts'
import { scheduleParams as params, Schedule, ScheduleList, ScheduleWish, scheduleQuery } from './schemas.ts'

/** Schedules: events published once, every so often, or by a cron line. */
export const schedules = (ports: QueuePorts) =>
  room('/v1/schedules')
    .model({ Schedule, ScheduleList, ScheduleWish })
    .get('', ({ query: { limit = 100, after }, who: { tenant } }) => listSchedules(ports, { tenant, limit, after }), {
      scope: 'events:consume',
      query: scheduleQuery,
      response: { 200: 'ScheduleList' },
      detail: { summary: 'List schedules', description: 'By name.' },
    })
    .put(
      '/:name',
      async ({ params: { name }, body, who, caller, status }) => {
        const isInternal = caller.scopes.has('internal')
        const { isNew, view } = await putSchedule(ports, who, { name, wish: body, isInternal })
        return isNew ? status(201, view) : status(200, view)
      },
      {
        scope: 'events:admin',
        params,
        body: 'ScheduleWish',
        response: { 200: 'Schedule', 201: 'Schedule' },
        detail: {
          summary: 'Create a schedule, or set it anew',
          description:
            'Every firing is published once, also when a replica or the store is killed in the middle: it goes under an idempotency key of the schedule and the due time, within the window of the topic. A schedule whose time stays as it was goes on where it stands.',
        },
      },
    )
    .get('/:name', ({ params: { name }, who: { tenant } }) => getSchedule(ports, { tenant, name }), {
      scope: 'events:consume',
      params,
      response: { 200: 'Schedule' },
      detail: { summary: 'Describe a schedule', description: 'With its next five firings.' },
    })
    .delete(
      '/:name',
      async ({ params: { name }, who, status }) => {
        await deleteSchedule(ports, who, name)
        return status(204, undefined)
      },
      { scope: 'events:admin', params, detail: { summary: 'Delete a schedule' } },
    )
    .post('/:name/pause', ({ params: { name }, who }) => pauseSchedule(ports, who, { name, isPaused: true }), {
      scope: 'events:admin',
      params,
      response: { 200: 'Schedule' },
      detail: { summary: 'Hold a schedule' },
    })
    .post('/:name/resume', ({ params: { name }, who }) => pauseSchedule(ports, who, { name, isPaused: false }), {
      scope: 'events:admin',
      params,
      response: { 200: 'Schedule' },
      detail: { summary: 'Let a schedule go on', description: 'What came due while it was held is not made up for.' },
    })
