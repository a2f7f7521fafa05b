import type { openRedis } from '@santaclaude/redis/open'
import type { Lease, Leases } from './port.ts'

type Redis = ReturnType<typeof openRedis>

/** KEYS[1] the lease · ARGV[1] its owner · ARGV[2] its life in ms · returns Redis's time in ms, or 0 while another owns it. */
const take = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)`

/** KEYS[1] the lease · ARGV[1] its owner · ARGV[2] its life in ms · returns Redis's time in ms, or 0 when it is not ours any more. */
const renew = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)`

/** KEYS[1] the lease · ARGV[1] its owner · returns 1 when it was ours and is gone. */
const drop = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

/** Leases as keys in Redis that expire `lifeMs` after their owner was last heard of. */
export function redisLeases(
  redis: Redis,
  { prefix, owner, lifeMs = 3_000 }: { prefix: string; owner: string; lifeMs?: number },
): Leases {
  return {
    acquire: async (name) => {
      const key = `${prefix}${name}`
      const redisMs = Number(await redis.eval(take, 1, key, owner, lifeMs))
      return redisMs === 0 ? undefined : hold({ redis, key, owner, lifeMs, redisMs })
    },
  }
}

function hold({
  redis,
  key,
  owner,
  lifeMs,
  redisMs,
}: {
  redis: Redis
  key: string
  owner: string
  lifeMs: number
  redisMs: number
}): Lease {
  const lost = new AbortController()
  let heardMs = performance.now()
  let aheadMs = redisMs - heardMs
  const end = () => {
    clearInterval(timer)
    lost.abort()
  }
  const beat = async () => {
    const askedMs = performance.now()
    const answer = Number(await redis.eval(renew, 1, key, owner, lifeMs).catch(() => -1))
    if (answer === 0) return end()
    // The life counts from when we asked: Redis may have heard us at once and answered late.
    if (answer > 0) {
      heardMs = askedMs
      aheadMs = answer - performance.now()
    }
  }
  const timer = setInterval(() => {
    if (performance.now() - heardMs >= lifeMs) end()
    else beat()
  }, lifeMs / 4)
  return {
    lost: lost.signal,
    nowMs: () => Math.floor(performance.now() + aheadMs),
    release: async () => {
      end()
      await redis.eval(drop, 1, key, owner).catch(() => {})
    },
  }
}
