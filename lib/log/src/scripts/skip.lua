-- Settles for a group what its filter does not let through or what has expired, wherever it stands: leased, parked or in the line.
-- KEYS     1 stream  2 meta  3 parked  4 line  5 keyof
-- ARGV     1 group  2 bell channel  3 partition  4 filtered or expired: where it is counted  5... ids
-- returns  how many were pending
-- error    NOGROUP
local stream, group, keys = KEYS[1], ARGV[1], { parked = KEYS[3], line = KEYS[4], keyof = KEYS[5] }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids, isDue = { unpack(ARGV, 5) }, false
local count = redis.call('XACK', stream, group, unpack(ids))
redis.call('ZREM', keys.parked, unpack(ids))
if redis.call('EXISTS', keys.line) == 1 then
  for _, id in ipairs(ids) do isDue = leave(keys, id, now) or isDue end
end
redis.call('HINCRBY', KEYS[2], ARGV[4] .. ':' .. group, count)
if isDue then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' !' .. group) end
return count
