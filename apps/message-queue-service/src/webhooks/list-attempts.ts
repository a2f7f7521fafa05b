import type { Hooks } from './hooks.ts'
import { needSubscription } from './need.ts'
import type { Attempt, SubscriptionAddress } from './store/port.ts'
import { attemptViewOf } from './view.ts'

export interface AttemptPage {
  limit: number
  before?: string | undefined
  /** Only those of which this came. */
  result?: Attempt['result'] | undefined
}

/** The attempts of a subscription, the newest first. */
export async function listAttempts(
  { store, policy }: Hooks,
  { tenant, id, limit, before, result }: SubscriptionAddress & AttemptPage,
) {
  const address = { tenant, id }
  await needSubscription(store, address)
  const most = result === undefined ? limit + 1 : policy.attemptsKept
  const found = await store.attempts.list(address, { limit: most, ...(before && { before }) })
  const fitting = found.filter((attempt) => result === undefined || attempt.result === result)
  const attempts = fitting.slice(0, limit)
  const last = attempts.at(-1)
  return { attempts: attempts.map(attemptViewOf), ...(fitting.length > limit && last && { next: last.id }) }
}
