import { flag, integer, settings } from '@santaclaude/service/config'

const dayMs = 86_400_000

/** What webhooks are told by the environment. */
export const webhookSettings = settings({
  webhookAllowPrivate: flag('WEBHOOK_ALLOW_PRIVATE', {
    default: false,
    about: 'Whether endpoints may lie in loopback and private networks and speak plain http: for laptops only.',
  }),
  webhookRotationMs: integer('WEBHOOK_ROTATION_MS', {
    default: dayMs,
    min: 0,
    max: 7 * dayMs,
    about: 'How long old and new signing keys sign together after a rotation that does not say, in milliseconds.',
  }),
  webhookKeepDisabledMs: integer('WEBHOOK_KEEP_DISABLED_MS', {
    default: 7 * dayMs,
    min: 0,
    max: 365 * dayMs,
    about: 'How long the events of a disabled subscription are kept from retention, in milliseconds.',
  }),
  webhookInFlightMax: integer('WEBHOOK_IN_FLIGHT_MAX', {
    default: 512,
    min: 1,
    max: 10_000,
    about: 'Webhook messages on their way from this replica at once.',
  }),
  webhookAttemptsKept: integer('WEBHOOK_ATTEMPTS_KEPT', {
    default: 500,
    min: 1,
    max: 10_000,
    about: 'Attempts that are kept of each subscription.',
  }),
  webhookSubscriptionsMax: integer('WEBHOOK_SUBSCRIPTIONS_MAX', {
    default: 1_000,
    min: 1,
    max: 100_000,
    about: 'Subscriptions a tenant may have.',
  }),
})
