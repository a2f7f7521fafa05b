import { room } from '@santaclaude/service/room'
import { changeSubscription, disableSubscription, enableSubscription } from './change.ts'
import { createSubscription } from './create.ts'
import type { HookPorts } from './hooks.ts'
import { listAttempts } from './list-attempts.ts'
import { getSubscription, listSubscriptions } from './read.ts'
import { recoverSince } from './recover.ts'
import { removeSubscription } from './remove.ts'
import { rotateSecret } from './rotate.ts'
import {
  Attempt,
  AttemptPage,
  attemptPageQuery,
  attemptParams,
  CreatedSubscription,
  idParams as params,
  RecoverWish,
  Recovery,
  Rotated,
  RotateWish,
  Subscription,
  SubscriptionChange,
  SubscriptionPage,
  SubscriptionWish,
  subscriptionPageQuery,
  TestWish,
} from './schemas.ts'
import { retryAttempt, sendTest } from './send-now.ts'

/** Webhooks: events of a topic, sent to endpoints, with the books of a consumer group. */
export const webhooks = (ports: HookPorts) =>
  room('/v1/subscriptions')
    .model({ Subscription, SubscriptionPage, SubscriptionWish, SubscriptionChange, CreatedSubscription })
    .model({ Attempt, AttemptPage, Recovery, RecoverWish, Rotated, RotateWish, TestWish })
    .post('', async ({ body, who, status }) => status(201, await createSubscription(ports, who, body)), {
      scope: 'events:admin',
      idempotent: true,
      body: 'SubscriptionWish',
      response: { 201: 'CreatedSubscription' },
      detail: {
        summary: 'Send events to an endpoint',
        description:
          'Messages are signed as Standard Webhooks describes: `webhook-id` (the same at every attempt), `webhook-timestamp`, `webhook-signature` with a `v1` (HMAC, the secret shown here) and a `v1a` (ed25519, the public key) signature. A 2xx answer settles the event; 410 disables the subscription; 429 and 503 hold the endpoint as Retry-After says; anything else is tried again by the schedule and is a dead letter after the last attempt. Redirects are not followed.',
      },
    })
    .get(
      '',
      ({ query: { limit = 50, after }, who: { tenant } }) => listSubscriptions(ports.hooks, { tenant, limit, after }),
      {
        scope: 'events:admin',
        query: subscriptionPageQuery,
        response: { 200: 'SubscriptionPage' },
        detail: { summary: 'List subscriptions', description: 'The oldest first.' },
      },
    )
    .get('/:id', ({ params: { id }, who: { tenant } }) => getSubscription(ports, { tenant, id }), {
      scope: 'events:admin',
      params,
      response: { 200: 'Subscription' },
      detail: {
        summary: 'Describe a subscription',
        description: 'With how its endpoint is doing and its group’s lag.',
      },
    })
    .patch('/:id', ({ params: { id }, body, who }) => changeSubscription(ports, who, { id, change: body }), {
      scope: 'events:admin',
      params,
      body: 'SubscriptionChange',
      response: { 200: 'Subscription' },
      detail: { summary: 'Change a subscription', description: 'Messages on their way keep what they had.' },
    })
    .delete(
      '/:id',
      async ({ params: { id }, who, status }) => {
        await removeSubscription(ports, who, id)
        return status(204, undefined)
      },
      {
        scope: 'events:admin',
        params,
        detail: {
          summary: 'Delete a subscription',
          description: 'With its own group, its dead letters and its attempts. A group it shared stays.',
        },
      },
    )
    .post('/:id/rotate-secret', ({ params: { id }, body, who }) => rotateSecret(ports, who, { id, ...body }), {
      scope: 'events:admin',
      idempotent: true,
      params,
      body: 'RotateWish',
      response: { 200: 'Rotated' },
      detail: { summary: 'Make new signing keys', description: 'Old and new sign together until overlapUntil.' },
    })
    .post('/:id/enable', ({ params: { id }, who }) => enableSubscription(ports, who, id), {
      scope: 'events:admin',
      idempotent: true,
      params,
      response: { 200: 'Subscription' },
      detail: {
        summary: 'Enable a subscription',
        description:
          'It goes on where it stood. Enabling one that is enabled closes its circuit and ends a hold at once.',
      },
    })
    .post('/:id/disable', ({ params: { id }, who }) => disableSubscription(ports, who, id), {
      scope: 'events:admin',
      idempotent: true,
      params,
      response: { 200: 'Subscription' },
      detail: {
        summary: 'Disable a subscription',
        description:
          'Its events wait for it, kept from retention for 7 days (as the service is set); after that it goes on with what is still there.',
      },
    })
    .post(
      '/:id/recover',
      async ({ params: { id }, body, who, status }) => status(202, await recoverSince(ports, who, { id, ...body })),
      {
        scope: 'events:admin',
        idempotent: true,
        params,
        body: 'RecoverWish',
        response: { 202: 'Recovery' },
        detail: {
          summary: 'Deliver everything since a time again',
          description:
            'By the same filter and schedule, beside what comes now. Messages keep their `webhook-id`, so a receiver that remembers ids handles only what it missed.',
        },
      },
    )
    .post('/:id/test', ({ params: { id }, body, who }) => sendTest(ports, who, { id, ...body }), {
      scope: 'events:admin',
      idempotent: true,
      params,
      body: 'TestWish',
      response: { 200: 'Attempt' },
      detail: {
        summary: 'Send a made-up event now',
        description: 'Answers what came of it. Not retried; works while the subscription is disabled.',
      },
    })
    .get(
      '/:id/attempts',
      ({ params: { id }, query: { limit = 50, ...page }, who: { tenant } }) =>
        listAttempts(ports.hooks, { tenant, id, limit, ...page }),
      {
        scope: 'events:admin',
        params,
        query: attemptPageQuery,
        response: { 200: 'AttemptPage' },
        detail: {
          summary: 'List attempts',
          description: 'The newest first; the newest 500 are kept (as the service is set).',
        },
      },
    )
    .post(
      '/:id/attempts/:attempt/retry',
      ({ params: { id, attempt }, who }) => retryAttempt(ports, who, { id, attemptId: attempt }),
      {
        scope: 'events:admin',
        idempotent: true,
        params: attemptParams,
        response: { 200: 'Attempt' },
        detail: {
          summary: 'Send the event of an attempt again now',
          description: 'Whatever became of it since. Answers what came of it; the books of the group stay as they are.',
        },
      },
    )
