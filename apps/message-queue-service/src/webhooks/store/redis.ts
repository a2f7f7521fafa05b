import { script } from '@santaclaude/redis/script'
import type { ChainableCommander, Redis } from 'ioredis'
import type { Attempt, Condition, HookStore, KeptAttempt, Subscription, SubscriptionAddress } from './port.ts'
import beatText from './scripts/beat.lua' with { type: 'text' }
import conditionText from './scripts/condition.lua' with { type: 'text' }
import giveText from './scripts/give.lua' with { type: 'text' }
import replaceText from './scripts/replace.lua' with { type: 'text' }
import takeText from './scripts/take.lua' with { type: 'text' }

const beat = script(beatText)
const condition = script(conditionText)
const give = script(giveText)
const replace = script(replaceText)
const take = script(takeText)

/** The keys of one subscription share a hash tag, so its scripts stay on one node of a Cluster. */
const keysOf = ({ tenant, id }: SubscriptionAddress) => {
  const base = `mq:{${tenant}:hook:${id}}`
  return {
    subscription: `${base}:sub`,
    duty: `${base}:own`,
    fence: `${base}:fence`,
    condition: `${base}:condition`,
    attempts: `${base}:attempts`,
    tally: `${base}:tally`,
  }
}
/** Attempts of a subscription that makes no more are kept for this long. */
const quietMsMax = 30 * 86_400_000
/** A tenant's subscription ids, in their own order. */
const idsKey = (tenant: string) => `mq:{${tenant}}:hooks`
const everywhereKey = 'mq:{hooks}:all'
const censusKey = 'mq:{hooks}:census'
const replicasKey = 'mq:{hooks}:replicas'

/** Webhooks in Redis. All times are Redis's. */
export function hookStoreInRedis(redis: Redis): HookStore {
  return {
    subscriptions: {
      async create(subscription, limit) {
        const { tenant, id } = subscription
        if ((await redis.zcard(idsKey(tenant))) >= limit) return 'full'
        // First it is listed, then it is there: what breaks off in between leaves a name without a subscription, which
        // every reader skips, and never a subscription that nobody finds.
        await list(redis, { tenant, id })
        await keep(subscription, 0)
        await redis.incr(censusKey)
        return 'created'
      },
      find,
      async list(tenant, { limit, after }) {
        const ids = await redis.zrange(idsKey(tenant), after ? `(${after}` : '-', '+', 'BYLEX', 'LIMIT', 0, limit)
        const found = await Promise.all(ids.map((id) => find({ tenant, id })))
        return found.filter((one) => one !== undefined)
      },
      async replace(subscription) {
        const next = { ...subscription, version: subscription.version + 1 }
        return (await keep(next, subscription.version)) ? next : undefined
      },
      async remove(address) {
        await redis.del(...Object.values(keysOf(address)))
        await redis.zrem(idsKey(address.tenant), address.id)
        await redis.srem(everywhereKey, nameOf(address))
        await redis.incr(censusKey)
      },
      async everywhere() {
        return (await redis.smembers(everywhereKey)).map((name) => {
          const [tenant = '', id = ''] = name.split(' ')
          return { tenant, id }
        })
      },
      async nowMs() {
        const [seconds, micros] = await redis.time()
        return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
      },
    },

    duties: {
      async beat(replica, forMs) {
        const [census, ...replicas] = await beat<[number, ...string[]]>(
          redis,
          [replicasKey, censusKey],
          [replica, forMs],
        )
        return { census, replicas }
      },
      async take(address, { replica, holdMs }) {
        const keys = keysOf(address)
        const [fence, version] = await take<[number, number]>(
          redis,
          [keys.subscription, keys.duty, keys.fence],
          [replica, holdMs],
        )
        if (fence < 0) return { state: 'gone' }
        return fence === 0 ? { state: 'taken' } : { state: 'mine', fence, version }
      },
      async give(address, replica) {
        await give(redis, [keysOf(address).duty], [replica])
      },
      async condition(address) {
        const json = await redis.get(keysOf(address).condition)
        return json === null ? undefined : (JSON.parse(json) as Condition)
      },
      async setCondition(address, value, fence) {
        const keys = keysOf(address)
        return (await condition<number>(redis, [keys.condition, keys.fence], [fence, JSON.stringify(value)])) === 1
      },
    },

    attempts: {
      async add(address, attempt, { keep, tally }) {
        const keys = keysOf(address)
        const line = redis.pipeline()
        line.xadd(keys.attempts, 'MAXLEN', '=', keep, '*', 'json', JSON.stringify(attempt))
        // An attempt that ends after its subscription was removed would otherwise stay for ever.
        line.pexpire(keys.attempts, quietMsMax)
        if (tally?.count === 0) line.hdel(keys.tally, tally.place)
        else if (tally) line.hset(keys.tally, tally.place, tally.count).pexpire(keys.tally, quietMsMax)
        const [id] = await answersOf(line)
        return { ...attempt, id: String(id) }
      },
      async tally(address, place) {
        return Number((await redis.hget(keysOf(address).tally, place)) ?? 0)
      },
      async find(address, id) {
        const [entry] = await redis.xrange(keysOf(address).attempts, id, id)
        return entry && attemptOf(entry)
      },
      async list(address, { limit, before }) {
        const entries = await redis.xrevrange(
          keysOf(address).attempts,
          before === undefined ? '+' : `(${before}`,
          '-',
          'COUNT',
          limit,
        )
        return entries.map(attemptOf)
      },
    },
  }

  async function find(address: SubscriptionAddress): Promise<Subscription | undefined> {
    const json = await redis.hget(keysOf(address).subscription, 'json')
    return json === null ? undefined : (JSON.parse(json) as Subscription)
  }

  async function keep(subscription: Subscription, from: number): Promise<boolean> {
    const { subscription: key } = keysOf(subscription)
    return (await replace<number>(redis, [key], [from, subscription.version, JSON.stringify(subscription)])) === 1
  }
}

const nameOf = ({ tenant, id }: SubscriptionAddress) => `${tenant} ${id}`

async function list(redis: Redis, address: SubscriptionAddress): Promise<void> {
  await redis.sadd(everywhereKey, nameOf(address))
  await redis.zadd(idsKey(address.tenant), 0, address.id)
}

const attemptOf = ([id, fields]: [string, string[]]): KeptAttempt => ({
  ...(JSON.parse(fields[1] ?? '{}') as Attempt),
  id,
})

/** The answers of a pipeline in order; rejects with the first error among them. */
async function answersOf(line: ChainableCommander): Promise<unknown[]> {
  const answers = (await line.exec()) ?? []
  return answers.map(([error, answer]) => {
    if (error) throw error
    return answer
  })
}
