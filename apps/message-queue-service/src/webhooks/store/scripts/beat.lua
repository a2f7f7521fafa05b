-- Says that a replica lives, or that it goes, and tells who lives.
-- KEYS     1 replicas, scored by when their life ends  2 census
-- ARGV     1 replica  2 for how long, ms; 0 = it goes
-- returns  {census, replica, ...}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[2] == '0' then redis.call('ZREM', KEYS[1], ARGV[1])
else redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
return {tonumber(redis.call('GET', KEYS[2]) or '0'), unpack(redis.call('ZRANGE', KEYS[1], 0, -1))}
