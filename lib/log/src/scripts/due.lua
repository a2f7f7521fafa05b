-- Leases the parked entries of a group that are due again. The lease starts here, at hand-over.
-- KEYS     1 stream  2 meta  3 parked  4 line  5 keyof
-- ARGV     1 group  2 how many at most
-- returns  {nonce, ms until the next one is due (-1 = none is parked), lost entries, {id, deliveries, fields} ...}
-- error    NOGROUP
local stream, group = KEYS[1], ARGV[1]
local order = { parked = KEYS[3], line = KEYS[4], keyof = KEYS[5] }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { redis.call('HGET', KEYS[2], 'nonce:' .. group) or '', -1, 0 }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  redis.call('ZREM', KEYS[3], id)
  if pending then
    local deliveries = pending[4] + 1
    local entry = redis.call('XCLAIM', stream, group, 'live', 0, id, 'RETRYCOUNT', deliveries)[1]
    if entry then
      answer[#answer + 1] = { id, deliveries, entry[2] }
    else
      answer[3] = answer[3] + 1
      redis.call('HINCRBY', KEYS[2], 'lost:' .. group, 1)
      leave(order, id, now)
    end
  else
    -- A claim of an entry that was trimmed takes it out of the pending ones.
    redis.call('HINCRBY', KEYS[2], 'lost:' .. group, 1)
    leave(order, id, now)
  end
end
local next = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
if next[2] then answer[2] = math.max(0, next[2] - now) end
return answer
