import { room } from '@santaclaude/service/room'
import type { QueuePorts } from '../ports.ts'
import { changeTopic } from './change.ts'
import { deleteTopic } from './delete.ts'
import { putTopic } from './put.ts'
import { getTopic, listTopics } from './read.ts'
import { topicParams as params, Topic, TopicChange, TopicPage, TopicWish, topicPageQuery } from './schemas.ts'

/** Topics: made, described, changed, deleted. */
export const topics = (ports: QueuePorts) =>
  room('/v1/topics')
    .model({ Topic, TopicPage, TopicWish, TopicChange })
    .get('', ({ query: { limit = 100, after }, who: { tenant } }) => listTopics(ports.log, { tenant, limit, after }), {
      scope: 'events:consume',
      query: topicPageQuery,
      response: { 200: 'TopicPage' },
      detail: { summary: 'List topics', description: 'By name.' },
    })
    .put(
      '/:topic',
      async ({ params: { topic }, body, who, status }) => {
        const { isNew, view } = await putTopic(ports, who, { topic, wish: body ?? {} })
        return isNew ? status(201, view) : status(200, view)
      },
      {
        scope: 'events:admin',
        params,
        body: TopicWish,
        response: { 200: 'Topic', 201: 'Topic' },
        detail: {
          summary: 'Create a topic, or set what is named',
          description: 'Repeating it changes nothing. Settings that are left out take their default, or stay.',
        },
      },
    )
    .get('/:topic', ({ params: { topic }, who: { tenant } }) => getTopic(ports.log, { tenant, topic }), {
      scope: 'events:consume',
      params,
      response: { 200: 'Topic' },
      detail: { summary: 'Describe a topic' },
    })
    .patch('/:topic', ({ params: { topic }, body, who }) => changeTopic(ports, who, { topic, change: body }), {
      scope: 'events:admin',
      params,
      body: 'TopicChange',
      response: { 200: 'Topic' },
      detail: {
        summary: 'Change a topic',
        description: 'Retention never removes what a group has not settled, whatever it says.',
      },
    })
    .delete(
      '/:topic',
      async ({ params: { topic }, who, status }) => {
        await deleteTopic(ports, who, topic)
        return status(204, undefined)
      },
      {
        scope: 'events:admin',
        params,
        detail: { summary: 'Delete a topic', description: 'With its events, groups and dead letters, at once.' },
      },
    )
