import { isRedisFull } from '@santaclaude/redis/away'
import { Fault } from '@santaclaude/service/faults'
import type { Redis } from 'ioredis'
import type {
  NewSession,
  Session,
  SessionAddress,
  SessionMessage,
  SessionStore,
  StoreLimits,
  TurnEvent,
} from './port.ts'

const turnTtlSeconds = 600

/** The keys of one session share a hash tag, so that a script may touch them all on Redis Cluster too. */
function keysOf({ tenant, id }: SessionAddress) {
  const tag = `sc:ai:{${encodeURIComponent(tenant)}/${id}}`
  return { head: `${tag}:head`, messages: `${tag}:messages`, lease: `${tag}:lease`, turn: `${tag}:turn` }
}

/** A tenant's sessions by id, and by the time at which they expire. */
function indexOf(tenant: string) {
  const tag = `sc:ai:{${encodeURIComponent(tenant)}}`
  return { ids: `${tag}:sessions`, expiry: `${tag}:expiry` }
}

const admit = `
local gone = redis.call('zrangebyscore', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, 1000)
if #gone > 0 then redis.call('zrem', KEYS[1], unpack(gone)) redis.call('zrem', KEYS[2], unpack(gone)) end
if redis.call('zcard', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('zadd', KEYS[1], 0, ARGV[1])
redis.call('zadd', KEYS[2], ARGV[3], ARGV[1])
return 1`

const lease = `
if redis.call('exists', KEYS[2]) == 0 then return 0 end
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

const release = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return 1`

const commit = `
local head, messages = KEYS[1], KEYS[2]
if redis.call('get', KEYS[3]) ~= ARGV[1] then return 'lost' end
local counts = redis.call('hmget', head, 'messages', 'bytes')
local bytes = 0
for i = 8, #ARGV do bytes = bytes + #ARGV[i] end
if tonumber(counts[1]) + #ARGV - 7 > tonumber(ARGV[2]) or tonumber(counts[2]) + bytes > tonumber(ARGV[3]) then return 'full' end
for i = 8, #ARGV do redis.call('rpush', messages, ARGV[i]) end
redis.call('hincrby', head, 'messages', #ARGV - 7)
redis.call('hincrby', head, 'bytes', bytes)
redis.call('hincrby', head, 'promptTokens', ARGV[4])
redis.call('hincrby', head, 'completionTokens', ARGV[5])
redis.call('hset', head, 'updatedAtMs', ARGV[6])
redis.call('expire', head, ARGV[7])
redis.call('expire', messages, ARGV[7])
return 'done'`

/**
 * Sessions in Redis: `…:head` a hash (what it was created with as JSON, and counts), `…:messages` a list, `…:lease` the
 * turn in progress, `…:turn:<id>` its events. Everything expires by itself; the tenant's index forgets what has.
 */
export function sessionsInRedis(redis: Redis, limits: StoreLimits): SessionStore {
  const { ttlSeconds } = limits
  const expiresAtMs = () => Date.now() + ttlSeconds * 1000

  return {
    async create(session) {
      const { ids, expiry } = indexOf(session.tenant)
      const args = [session.id, Date.now(), expiresAtMs(), limits.sessionsMax]
      if ((await stored(redis.eval(admit, 2, ids, expiry, ...args))) !== 1) return false
      const { head } = keysOf(session)
      const { createdAtMs: updatedAtMs } = session
      const counts = { updatedAtMs, messages: 0, bytes: 0, promptTokens: 0, completionTokens: 0 }
      await stored(
        redis
          .multi()
          .hset(head, { made: JSON.stringify(session), ...counts })
          .expire(head, ttlSeconds)
          .exec(),
      )
      return true
    },

    find: async (address) => sessionOf(await stored(redis.hgetall(keysOf(address).head))),

    async list(tenant, { limit, before }) {
      const { ids, expiry } = indexOf(tenant)
      const found: Session[] = []
      let from = before === undefined ? '+' : `(${before}`
      while (found.length < limit) {
        const page = await stored(redis.zrevrangebylex(ids, from, '-', 'LIMIT', 0, limit))
        const heads = await Promise.all(page.map((id) => stored(redis.hgetall(keysOf({ tenant, id }).head))))
        const gone = page.filter((_, at) => sessionOf(heads[at]) === undefined)
        if (gone.length > 0) await stored(redis.zrem(ids, gone).then(() => redis.zrem(expiry, gone)))
        found.push(...heads.flatMap((head) => sessionOf(head) ?? []))
        const last = page.at(-1)
        if (page.length < limit || last === undefined) break
        from = `(${last}`
      }
      return found.slice(0, limit)
    },

    async messages(address, { limit, after }) {
      const texts = await stored(redis.lrange(keysOf(address).messages, after, after + limit - 1))
      return texts.map((text) => JSON.parse(text) as SessionMessage)
    },

    async delete(address) {
      const { head, messages, lease: held } = keysOf(address)
      const { ids, expiry } = indexOf(address.tenant)
      const wasThere = await stored(redis.hexists(head, 'made'))
      await stored(redis.del(head, messages, held))
      await stored(redis.zrem(ids, address.id).then(() => redis.zrem(expiry, address.id)))
      return wasThere === 1
    },

    async lease(address, turnId, leaseMs) {
      const { head, lease: held } = keysOf(address)
      return (await stored(redis.eval(lease, 2, held, head, turnId, leaseMs))) === 1
    },
    release: async (address, turnId) => {
      await stored(redis.eval(release, 1, keysOf(address).lease, turnId))
    },
    holder: async (address) => (await stored(redis.get(keysOf(address).lease))) ?? undefined,

    async commit(address, { turnId, messages, usage, nowMs }) {
      const { head, messages: list, lease: held } = keysOf(address)
      const { messagesMax, bytesMax } = limits
      const counts = [messagesMax, bytesMax, usage.promptTokens, usage.completionTokens, nowMs, ttlSeconds]
      const texts = messages.map((message) => JSON.stringify(message))
      const outcome = await stored(redis.eval(commit, 3, head, list, held, turnId, ...counts, ...texts))
      if (outcome === 'done') {
        await stored(redis.zadd(indexOf(address.tenant).expiry, 'XX', expiresAtMs(), address.id))
      }
      return outcome as 'done' | 'full' | 'lost'
    },

    async addEvents(address, turnId, events) {
      if (events.length === 0) return
      const key = `${keysOf(address).turn}:${turnId}`
      const texts = events.map((event) => JSON.stringify(event))
      await stored(
        redis
          .multi()
          .rpush(key, ...texts)
          .expire(key, turnTtlSeconds)
          .exec(),
      )
    },
    async events(address, turnId, after) {
      const texts = await stored(redis.lrange(`${keysOf(address).turn}:${turnId}`, after, -1))
      return texts.map((text) => JSON.parse(text) as TurnEvent)
    },
  }
}

function sessionOf(head: Record<string, string> | undefined): Session | undefined {
  if (!head?.made) return undefined
  const { made, ...counts } = head
  const numbers = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number(value)]))
  return { ...(JSON.parse(made) as NewSession), ...numbers } as Session
}

const stored = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause) => {
    throw new Fault(isRedisFull(cause) ? 'storage_full' : 'store_unavailable', { cause })
  })
