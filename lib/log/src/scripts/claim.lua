-- Takes the partitions whose delayed events are due out of the index, so that one process looks after each.
-- KEYS     1 the index (due ms of the earliest delayed event -> partition)
-- ARGV     1 how many at most
-- returns  {ms until the next one is due (-1 = none is known), partition...}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { head[2] and math.max(0, head[2] - now) or -1, unpack(due) }
