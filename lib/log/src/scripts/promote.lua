-- Moves the due events of one partition into its stream, in the order they are due, and rings the topic's bell. Each is
-- moved once, whoever calls and however often: it leaves its hiding place in the same step.
-- KEYS     1 stream  2 meta  3 delayed  4 delayed events
-- ARGV     1 epoch to take when the partition has none  2 bell channel  3 partition  4 how many at most
-- returns  {how many were moved, the due ms of the next ('' = none), ms until then}
local stream, meta, delayed, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HEXISTS', meta, 'closed') == 1 then
  redis.call('UNLINK', delayed, events)
  return { 0, '', 0 }
end
redis.call('HSETNX', meta, 'epoch', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local moved, last = 0, nil
for _, number in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ARGV[4])) do
  local packed = redis.call('HGET', events, number)
  if packed then
    local v = cmsgpack.unpack(packed)
    last = redis.call('XADD', stream, '*', 'i', v[1], 't', v[2], 's', v[3], 'k', v[4], 'm', v[5], 'd', v[6])
    moved = moved + 1
  end
  redis.call('ZREM', delayed, number)
  redis.call('HDEL', events, number)
end
if last then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. last) end
local head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if not head[2] then return { moved, '', 0 } end
return { moved, head[2], math.max(0, head[2] - now) }
